"""One module a verb; a module here is found by its name and loaded when the verb is called."""
