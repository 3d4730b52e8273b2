#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_more", NULL, -1, NULL};
PyMODINIT_FUNC PyInit__more(void) { return PyModule_Create(&module); }
