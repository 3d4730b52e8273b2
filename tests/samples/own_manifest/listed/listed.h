#define LISTED 1
