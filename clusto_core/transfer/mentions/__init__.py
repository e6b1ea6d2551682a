"""What other tools' files say of machines that the inventory has: whose name, address, card or port it is that such a
file mentions is worked out here, so that what remains is the Document of a Thing."""
