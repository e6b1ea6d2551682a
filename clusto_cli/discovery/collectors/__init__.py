"""How each sort of evidence is gathered, a module each: devices are asked, and nothing is concluded."""
