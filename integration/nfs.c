/* flock(2) as on NFS: a lock of all bytes of the file, and an exclusive one only on a descriptor for
 * writing. With LOCKS=none in the environment, as on a file system that has no locks at all.
 *
 * cc -shared -fPIC -o nfs.so nfs.c -ldl; LD_PRELOAD=./nfs.so python -m build */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

static int has_none(void)
{
    const char *locks = getenv("LOCKS");
    return locks && strcmp(locks, "none") == 0;
}

int flock(int descriptor, int operation)
{
    int mode = fcntl(descriptor, F_GETFL) & O_ACCMODE, kind = operation & ~LOCK_NB;
    struct flock all = {.l_whence = SEEK_SET};
    if (has_none()) {
        errno = ENOLCK;
        return -1;
    }
    if ((kind == LOCK_EX && mode == O_RDONLY) || (kind == LOCK_SH && mode == O_WRONLY)) {
        errno = EBADF;
        return -1;
    }
    all.l_type = kind == LOCK_EX ? F_WRLCK : kind == LOCK_SH ? F_RDLCK : F_UNLCK;
    if (fcntl(descriptor, operation & LOCK_NB ? F_OFD_SETLK : F_OFD_SETLKW, &all) == 0)
        return 0;
    if (errno == EACCES)
        errno = EWOULDBLOCK;
    return -1;
}

int fcntl64(int descriptor, int command, ...)
{
    static int (*original)(int, int, ...);
    va_list rest;
    va_start(rest, command);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (!original)
        original = dlsym(RTLD_NEXT, "fcntl64");
    if (has_none() && (command == F_SETLK || command == F_SETLKW || command == F_GETLK ||
                       command == F_OFD_SETLK || command == F_OFD_SETLKW || command == F_OFD_GETLK)) {
        errno = ENOLCK;
        return -1;
    }
    return original(descriptor, command, argument);
}

int fcntl(int, int, ...) __attribute__((alias("fcntl64")));
