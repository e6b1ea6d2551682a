"""What every HTTP server of clusto stands on: limits on who connects, listeners, lines for people.

limits      how much of a server one client, and all, may take
listening   where a server listens, and an application of aiohttp that does, with its access log
"""
