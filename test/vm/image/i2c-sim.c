// SPDX-License-Identifier: GPL-2.0 OR Apache-2.0
/*
 * i2c-sim: an I2C bus whose transfers are answered by a user-space program.
 *
 * /dev/i2c-<bus> is a full adapter (plain I2C_RDWR as well as SMBus, unlike i2c-stub).
 * The simulator opens /dev/i2c-sim; read() gives one transfer:
 *     u32 seq, u16 nmsgs, u16 bytes that follow, then per message
 *     u16 addr, u16 flags (1 = read), u16 len, and len bytes if it is a write
 * and write() the answer, in any number of pieces:
 *     u32 seq, s32 status (0, or -errno: -6 ENXIO = no ACK, -110 timed out ...), u32 len,
 *     len bytes: what the read messages got, one after the other
 * All little endian as the machine is.  With no simulator every address is silent (-ENXIO);
 * a simulator that does not answer within timeout_ms makes the transfer fail with -ETIMEDOUT.
 */
#include <linux/fs.h>
#include <linux/i2c.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

static int bus = 1;
module_param(bus, int, 0444);
static unsigned int timeout_ms = 1000;
module_param(timeout_ms, uint, 0644);

#define BUFSZ 65536
static DEFINE_MUTEX(lock);
static DECLARE_WAIT_QUEUE_HEAD(wq_req);
static DECLARE_WAIT_QUEUE_HEAD(wq_ans);
static bool opened, have_req, have_ans;
static u32 seq;
static u8 *req, *ans;
static size_t req_len, ans_len, ans_pos;
static s32 ans_status;
struct ans_hdr { u32 seq; s32 status; u32 len; } __packed;

static int sim_xfer(struct i2c_adapter *a, struct i2c_msg *m, int num)
{
	size_t n = 8, off;
	long left;
	int i, ret;

	mutex_lock(&lock);
	if (!opened) {
		ret = -ENXIO;
		goto out;
	}
	for (i = 0; i < num; i++) {
		size_t add = 6 + ((m[i].flags & I2C_M_RD) ? 0 : m[i].len);
		u16 h[3] = { m[i].addr, m[i].flags, m[i].len };

		if (n + add > BUFSZ) {
			ret = -EMSGSIZE;
			goto out;
		}
		memcpy(req + n, h, 6);
		if (!(m[i].flags & I2C_M_RD))
			memcpy(req + n + 6, m[i].buf, m[i].len);
		n += add;
	}
	*(u32 *)req = ++seq;
	*(u16 *)(req + 4) = num;
	*(u16 *)(req + 6) = n - 8;
	req_len = n;
	have_ans = false;
	ans_pos = 0;
	have_req = true;
	mutex_unlock(&lock);
	wake_up_interruptible(&wq_req);
	left = wait_event_timeout(wq_ans, have_ans || !opened, msecs_to_jiffies(timeout_ms));
	mutex_lock(&lock);
	have_req = false;
	if (!have_ans) {
		ret = left ? -ENXIO : -ETIMEDOUT;
		goto out;
	}
	have_ans = false;
	if (ans_status < 0) {
		ret = ans_status;
		goto out;
	}
	for (i = 0, off = 0; i < num; i++) {
		if (!(m[i].flags & I2C_M_RD))
			continue;
		memset(m[i].buf, 0xff, m[i].len);
		if (off < ans_len)
			memcpy(m[i].buf, ans + off, min_t(size_t, m[i].len, ans_len - off));
		off += m[i].len;
	}
	ret = num;
out:
	mutex_unlock(&lock);
	return ret;
}

static u32 sim_func(struct i2c_adapter *a)
{
	return I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
}

static const struct i2c_algorithm sim_algo = { .master_xfer = sim_xfer, .functionality = sim_func };
static struct i2c_adapter sim_adapter = { .owner = THIS_MODULE, .algo = &sim_algo, .name = "i2c-sim" };

static int sim_open(struct inode *i, struct file *f)
{
	int ret = 0;

	mutex_lock(&lock);
	if (opened)
		ret = -EBUSY;
	else
		opened = true;
	mutex_unlock(&lock);
	return ret ? ret : nonseekable_open(i, f);
}

static int sim_release(struct inode *i, struct file *f)
{
	mutex_lock(&lock);
	opened = false;
	mutex_unlock(&lock);
	wake_up(&wq_ans);
	return 0;
}

static ssize_t sim_read(struct file *f, char __user *b, size_t n, loff_t *o)
{
	ssize_t ret;

	do {
		if (!have_req && (f->f_flags & O_NONBLOCK))
			return -EAGAIN;
		ret = wait_event_interruptible(wq_req, have_req);
		if (ret)
			return ret;
		mutex_lock(&lock);
		if (!have_req) {
			mutex_unlock(&lock);
			continue;
		}
		ret = n < req_len ? -EMSGSIZE : copy_to_user(b, req, req_len) ? -EFAULT : req_len;
		have_req = false;
		mutex_unlock(&lock);
		return ret;
	} while (1);
}

static ssize_t sim_write(struct file *f, const char __user *b, size_t n, loff_t *o)
{
	struct ans_hdr *h = (struct ans_hdr *)ans;
	ssize_t ret = n;

	mutex_lock(&lock);
	if (ans_pos + n > BUFSZ + sizeof(*h)) {
		ans_pos = 0;
		ret = -EMSGSIZE;
	} else if (copy_from_user(ans + ans_pos, b, n)) {
		ret = -EFAULT;
	} else {
		ans_pos += n;
		if (ans_pos >= sizeof(*h) && ans_pos >= sizeof(*h) + h->len) {
			if (h->seq == seq) {		/* else: late, drop it */
				ans_status = h->status;
				ans_len = h->len;
				memmove(ans, ans + sizeof(*h), ans_len);
				have_ans = true;
			}
			ans_pos = 0;
		}
	}
	mutex_unlock(&lock);
	wake_up(&wq_ans);
	return ret;
}

static __poll_t sim_poll(struct file *f, poll_table *t)
{
	poll_wait(f, &wq_req, t);
	return EPOLLOUT | EPOLLWRNORM | (have_req ? EPOLLIN | EPOLLRDNORM : 0);
}

static const struct file_operations sim_fops = {
	.owner = THIS_MODULE, .open = sim_open, .release = sim_release, .read = sim_read,
	.write = sim_write, .poll = sim_poll, .llseek = no_llseek,
};
static struct miscdevice sim_misc = { .minor = MISC_DYNAMIC_MINOR, .name = "i2c-sim", .fops = &sim_fops };

static int __init sim_init(void)
{
	int ret;

	req = kmalloc(BUFSZ, GFP_KERNEL);
	ans = kmalloc(BUFSZ + sizeof(struct ans_hdr), GFP_KERNEL);
	if (!req || !ans) {
		ret = -ENOMEM;
		goto fail;
	}
	ret = misc_register(&sim_misc);
	if (ret)
		goto fail;
	sim_adapter.nr = bus;
	ret = i2c_add_numbered_adapter(&sim_adapter);
	if (ret) {
		misc_deregister(&sim_misc);
		goto fail;
	}
	return 0;
fail:
	kfree(req);
	kfree(ans);
	return ret;
}

static void __exit sim_exit(void)
{
	i2c_del_adapter(&sim_adapter);
	misc_deregister(&sim_misc);
	kfree(req);
	kfree(ans);
}

module_init(sim_init);
module_exit(sim_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("I2C bus answered from user space");
