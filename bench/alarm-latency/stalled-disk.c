/*
 * Preloaded into a gateway: a disk that stops answering. While the file $STALL_FOLDER/stall-store is there, nothing of the
 * store (store.db and what stands beside it) is written or synced; while stall-disk is there, no file of that folder is.
 * The thread that asks is held until the file has gone, as by a card that collects its garbage.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_there(const char *folder, const char *name) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return access(path, F_OK) == 0;
}

static void wait_for_disk(int fd) {
  const char *folder = getenv("STALL_FOLDER");
  if (folder == NULL) return;
  while (is_there(folder, "stall-disk") || is_there(folder, "stall-store")) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    if (strncmp(path, folder, strlen(folder)) != 0) return;
    int is_store = strstr(path, "/store.db") != NULL && strstr(path, ".alarms") == NULL;
    if (!is_there(folder, "stall-disk") && !is_store) return;
    usleep(1000);
  }
}

#define REAL(name) static __typeof__(&name) real; if (real == NULL) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int fsync(int fd) { REAL(fsync); wait_for_disk(fd); return real(fd); }
int fdatasync(int fd) { REAL(fdatasync); wait_for_disk(fd); return real(fd); }
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) { REAL(pwrite); wait_for_disk(fd); return real(fd, bytes, count, at); }
ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) { REAL(pwrite64); wait_for_disk(fd); return real(fd, bytes, count, at); }
