"""tox's own tests of building packages, with our backend in the place of setuptools'."""
