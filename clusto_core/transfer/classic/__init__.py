"""The classic clusto (0.7): `rows` reads its database, `state` is what that says at one version, `translation` makes
transfer objects of it with `drivers`, `naming`, `ports`, `cables`, `places`, `resources` and `keys`; `past` goes
through the versions."""
