#define LOCAL 42
