"""Reinstalling machines over the network: from a recipe to a system that has proved to be up."""
