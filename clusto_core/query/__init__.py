"""The expression language: what an operator asks of an inventory, in one line.

parser      text to syntax tree                 tree, patterns, values   what the tree is made of and means
scope       whole Things or parts               binding, saved           held against a store; `@NAME`
compiler    tree to one SQL statement           statement, attribute_sql, relations, inheritance: its pieces
memory      the same for Things in memory       search, matching         what callers use
"""
