"""What `clusto console` is made of beyond its options; other verbs that need a console use `ways` and the backends."""
