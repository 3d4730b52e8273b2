from setuptools import Extension, setup

setup(
    name="c-extension",
    version="0.3",
    packages=["spam"],
    libraries=[("ham", {"sources": ["ham/ham.c"], "include_dirs": ["ham"]})],
    ext_modules=[
        Extension("spam._eggs", ["spam/_eggs.c"], depends=["ham/ham.h"], include_dirs=["ham"]),
        Extension("spam._more", ["spam/_more.c"], define_macros=[("MORE", "1")]),
    ],
)
