#include <Python.h>
#include "ham.h"
static PyObject *eggs(PyObject *self, PyObject *args) { return PyLong_FromLong(ham()); }
static PyMethodDef methods[] = {{"eggs", eggs, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_eggs", NULL, -1, methods};
PyMODINIT_FUNC PyInit__eggs(void) { return PyModule_Create(&module); }
