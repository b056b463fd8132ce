/*
 * A preload library that plays /dev/i2c-N, so that programs for real I2C buses run against modelled chips where there is
 * no bus: opening the device connects to the Unix socket $FAKE_I2C/N, and what is done on it becomes requests.
 *
 *   request   u8 count, then for each message u16 address, u16 flags (1 = read), u16 length, and the bytes of a write
 *   answer    i32, which is not negative or -errno, then the bytes of the reads
 *
 * Numbers are little-endian, as the machine's. No answer is a bus that hangs. A socket that is not there is a bus that is
 * not there; one on which nobody listens is a bus that this user may not open. An address for which there is a file
 * $FAKE_I2C/N.ADDRESS, in hexadecimal, is taken by a driver of the kernel.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 4096
#define MESSAGE_BYTES_MAX 8192 /* the kernel's own limit */

static struct {
  bool is_bus;
  int bus;
  uint16_t address; /* set by I2C_SLAVE */
  pthread_mutex_t lock;
} files[DESCRIPTORS_MAX];

static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_close)(int);
static int (*real_ioctl)(int, unsigned long, ...);

__attribute__((constructor)) static void find_real_functions(void) {
  real_read = dlsym(RTLD_NEXT, "read");
  real_write = dlsym(RTLD_NEXT, "write");
  real_close = dlsym(RTLD_NEXT, "close");
  real_ioctl = dlsym(RTLD_NEXT, "ioctl");
}

static bool is_bus(int fd) { return fd >= 0 && fd < DESCRIPTORS_MAX && files[fd].is_bus; }

/* The number of the bus, as text; NULL where the path is none of ours. */
static const char *bus_of(const char *path) {
  static const char prefix[] = "/dev/i2c-";
  if (path == NULL || getenv("FAKE_I2C") == NULL) return NULL;
  return strncmp(path, prefix, sizeof prefix - 1) == 0 ? path + sizeof prefix - 1 : NULL;
}

static int open_bus(const char *bus) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", getenv("FAKE_I2C"), bus);
  if (fd >= DESCRIPTORS_MAX || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
    int is_refused = errno == ECONNREFUSED;
    real_close(fd);
    errno = is_refused ? EACCES : ENOENT;
    return -1;
  }
  pthread_mutex_init(&files[fd].lock, NULL);
  files[fd].bus = atoi(bus);
  files[fd].address = 0;
  files[fd].is_bus = true;
  return fd;
}

static int send_all(int fd, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = real_write(fd, bytes, length);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return -1;
    bytes += sent;
    length -= sent;
  }
  return 0;
}

static int receive_all(int fd, void *bytes, size_t length) {
  for (uint8_t *at = bytes; length > 0;) {
    ssize_t received = real_read(fd, at, length);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) return -1;
    at += received;
    length -= received;
  }
  return 0;
}

static int send_request(int fd, const struct i2c_msg *messages, int count) {
  uint8_t head = count;
  if (send_all(fd, &head, 1) != 0) return -1;
  for (int i = 0; i < count; i++) {
    bool is_read = messages[i].flags & I2C_M_RD;
    uint16_t fields[] = {messages[i].addr, is_read, messages[i].len};
    if (send_all(fd, (uint8_t *)fields, sizeof fields) != 0) return -1;
    if (!is_read && send_all(fd, messages[i].buf, messages[i].len) != 0) return -1;
  }
  return 0;
}

static int receive_answer(int fd, const struct i2c_msg *messages, int count, int32_t *result) {
  if (receive_all(fd, result, sizeof *result) != 0) return -1;
  if (*result < 0) return 0;
  for (int i = 0; i < count; i++) {
    if ((messages[i].flags & I2C_M_RD) && receive_all(fd, messages[i].buf, messages[i].len) != 0) return -1;
  }
  return 0;
}

/* One transaction: a repeated START between its messages, a STOP after the last. */
static int transfer(int fd, const struct i2c_msg *messages, int count) {
  int32_t result = 0;
  pthread_mutex_lock(&files[fd].lock);
  int failed = send_request(fd, messages, count) != 0 || receive_answer(fd, messages, count, &result) != 0;
  pthread_mutex_unlock(&files[fd].lock);
  if (failed || result < 0) {
    errno = failed ? EIO : -result;
    return -1;
  }
  return result;
}

/* The SMBus commands that i2c-bus and i2cdetect use, as the kernel emulates them on a bus that speaks I2C. */
static int smbus(int fd, struct i2c_smbus_ioctl_data *request) {
  uint8_t written[I2C_SMBUS_BLOCK_MAX + 2] = {request->command};
  uint8_t received[I2C_SMBUS_BLOCK_MAX];
  uint16_t address = files[fd].address;
  struct i2c_msg out = {address, 0, 1, written};
  struct i2c_msg in = {address, I2C_M_RD, 0, received};
  union i2c_smbus_data *data = request->data;
  bool is_read = request->read_write == I2C_SMBUS_READ;
  bool has_command = true;

  switch (request->size) {
  case I2C_SMBUS_QUICK:
    out.len = 0;
    has_command = !is_read;
    break;
  case I2C_SMBUS_BYTE:
    in.len = 1;
    has_command = !is_read;
    break;
  case I2C_SMBUS_BYTE_DATA:
    in.len = 1;
    if (is_read) break;
    written[out.len++] = data->byte;
    break;
  case I2C_SMBUS_WORD_DATA:
    in.len = 2;
    if (is_read) break;
    written[out.len++] = data->word & 0xff;
    written[out.len++] = data->word >> 8;
    break;
  case I2C_SMBUS_I2C_BLOCK_BROKEN: /* what a read of 32 bytes is called */
    in.len = I2C_SMBUS_BLOCK_MAX;
    break;
  case I2C_SMBUS_I2C_BLOCK_DATA:
    in.len = data->block[0];
    if (is_read) break;
    memcpy(written + 1, data->block + 1, data->block[0]);
    out.len += data->block[0];
    break;
  default:
    errno = EOPNOTSUPP;
    return -1;
  }

  struct i2c_msg messages[2];
  int count = 0;
  if (has_command) messages[count++] = out;
  if (is_read) messages[count++] = in;
  if (transfer(fd, messages, count) < 0) return -1;
  if (!is_read) return 0;
  switch (request->size) {
  case I2C_SMBUS_BYTE:
  case I2C_SMBUS_BYTE_DATA:
    data->byte = received[0];
    break;
  case I2C_SMBUS_WORD_DATA:
    data->word = received[0] | received[1] << 8;
    break;
  case I2C_SMBUS_I2C_BLOCK_BROKEN:
  case I2C_SMBUS_I2C_BLOCK_DATA:
    memcpy(data->block + 1, received, in.len);
    break;
  }
  return 0;
}

static int set_address(int fd, uint16_t address) {
  char path[PATH_MAX];
  snprintf(path, sizeof path, "%s/%d.%02x", getenv("FAKE_I2C"), files[fd].bus, address);
  if (access(path, F_OK) == 0) {
    errno = EBUSY;
    return -1;
  }
  files[fd].address = address;
  return 0;
}

int ioctl(int fd, unsigned long request, ...) {
  va_list arguments;
  va_start(arguments, request);
  void *argument = va_arg(arguments, void *);
  va_end(arguments);
  if (!is_bus(fd)) return real_ioctl(fd, request, argument);
  switch (request) {
  case I2C_SLAVE:
    return set_address(fd, (uintptr_t)argument);
  case I2C_FUNCS:
    *(unsigned long *)argument = I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
    return 0;
  case I2C_RDWR: {
    struct i2c_rdwr_ioctl_data *list = argument;
    return transfer(fd, list->msgs, list->nmsgs);
  }
  case I2C_SMBUS:
    return smbus(fd, argument);
  }
  errno = ENOTTY;
  return -1;
}

static ssize_t read_bus(int fd, void *bytes, size_t length) {
  if (length > MESSAGE_BYTES_MAX) length = MESSAGE_BYTES_MAX;
  struct i2c_msg message = {files[fd].address, I2C_M_RD, length, bytes};
  return transfer(fd, &message, 1) < 0 ? -1 : (ssize_t)length;
}

static ssize_t write_bus(int fd, const void *bytes, size_t length) {
  if (length > MESSAGE_BYTES_MAX) length = MESSAGE_BYTES_MAX;
  struct i2c_msg message = {files[fd].address, 0, length, (uint8_t *)bytes};
  return transfer(fd, &message, 1) < 0 ? -1 : (ssize_t)length;
}

ssize_t read(int fd, void *bytes, size_t length) {
  return is_bus(fd) ? read_bus(fd, bytes, length) : real_read(fd, bytes, length);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  return is_bus(fd) ? write_bus(fd, bytes, length) : real_write(fd, bytes, length);
}

int close(int fd) {
  if (is_bus(fd)) files[fd].is_bus = false;
  return real_close(fd);
}

/* Node reads and writes at positions, which a bus does not have. */
#define AT_POSITION(name, type, offset, on_bus)                                                                        \
  ssize_t name(int fd, type bytes, size_t length, offset position) {                                                   \
    static ssize_t (*real)(int, type, size_t, offset);                                                                 \
    if (is_bus(fd)) return on_bus(fd, bytes, length);                                                                  \
    if (real == NULL) real = dlsym(RTLD_NEXT, #name);                                                                  \
    return real(fd, bytes, length, position);                                                                          \
  }
AT_POSITION(pread, void *, off_t, read_bus)
AT_POSITION(pread64, void *, off64_t, read_bus)
AT_POSITION(pwrite, const void *, off_t, write_bus)
AT_POSITION(pwrite64, const void *, off64_t, write_bus)

#define OPEN(name)                                                                                                     \
  int name(const char *path, int flags, ...) {                                                                         \
    static int (*real)(const char *, int, ...);                                                                        \
    const char *bus = bus_of(path);                                                                                    \
    if (bus != NULL) return open_bus(bus);                                                                             \
    va_list arguments;                                                                                                 \
    va_start(arguments, flags);                                                                                        \
    mode_t mode = va_arg(arguments, mode_t);                                                                           \
    va_end(arguments);                                                                                                 \
    if (real == NULL) real = dlsym(RTLD_NEXT, #name);                                                                  \
    return real(path, flags, mode);                                                                                    \
  }
OPEN(open)
OPEN(open64)

#define OPEN_AT(name)                                                                                                  \
  int name(int folder, const char *path, int flags, ...) {                                                             \
    static int (*real)(int, const char *, int, ...);                                                                   \
    const char *bus = bus_of(path);                                                                                    \
    if (bus != NULL) return open_bus(bus);                                                                             \
    va_list arguments;                                                                                                 \
    va_start(arguments, flags);                                                                                        \
    mode_t mode = va_arg(arguments, mode_t);                                                                           \
    va_end(arguments);                                                                                                 \
    if (real == NULL) real = dlsym(RTLD_NEXT, #name);                                                                  \
    return real(folder, path, flags, mode);                                                                            \
  }
OPEN_AT(openat)
OPEN_AT(openat64)
