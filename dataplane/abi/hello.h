// SPDX-License-Identifier: BSD-3-Clause
// The attach: a SEQPACKET Unix socket over which descriptors travel.
//
// The client connects and says hello; the server looks at SO_PEERCRED, answers welcome with the
// descriptors, and both keep the socket open: its hang-up is how each learns of the other's death.
// hawse-media serves `<run>/media.sock` (roles CONTROL and READER), hawse-sip `<run>/sip.sock`
// (role READER). One control plane is attached at a time; a new one replaces the old.
#pragma once

#include <stdint.h>
#include <sys/types.h>

#define ABI_HELLO_MAGIC 0x6f6c6c6548777748ull
#define ABI_MAX_FDS     8u

enum abi_role {
	ABI_ROLE_CONTROL = 1, // gets A, B, PUNT, INJECT and both doorbells
	ABI_ROLE_READER = 2,  // gets A (from hawse-media) or T (from hawse-sip)
};

enum abi_fd_kind {
	ABI_FD_NONE = 0,
	ABI_FD_A = 1,
	ABI_FD_B = 2,
	ABI_FD_PUNT = 3,
	ABI_FD_INJECT = 4,
	ABI_FD_T = 5,
	ABI_FD_COMMAND_BELL = 6, // eventfd: hawse-sip rings, hawse-media listens
	ABI_FD_EVENT_BELL = 7,   // eventfd: hawse-media rings, hawse-sip listens
};

struct abi_hello { // 64 bytes
	uint64_t magic;
	uint16_t major;
	uint16_t minor;
	uint32_t role;
	uint64_t features;
	char name[24]; // of the program, for the log
	uint8_t reserved[16];
};

struct abi_welcome { // 64 bytes
	uint64_t magic;
	uint16_t major;
	uint16_t minor;
	int32_t status;    // 0, or -errno: -EPROTONOSUPPORT, -EACCES, -EBUSY
	uint64_t features; // those that both have
	uint64_t boot_epoch;
	uint32_t generation; // of this control plane
	uint8_t fd_count;
	uint8_t fd_kind[ABI_MAX_FDS];
	uint8_t reserved[19];
};

struct abi_attached {
	int socket;
	struct abi_welcome welcome;
	int fds[ABI_MAX_FDS + 1]; // by enum abi_fd_kind, -1 when not given
};

#ifdef __cplusplus
extern "C" {
#endif

// Client: connects, says hello, takes the descriptors. Waits at most `timeout_ms`.
// 0 or -errno: -ENOENT, -ECONNREFUSED (nobody serves), -ETIMEDOUT, -EPROTO, or the server's status.
int abi_attach(struct abi_attached *attached, const char *path, enum abi_role role,
	const char *name, int timeout_ms);
// Closes every descriptor that is still in `attached`, the socket too.
void abi_detach(struct abi_attached *attached);

// Server: a non-blocking listening socket at `path` with `mode`; a stale file is replaced, a socket
// that a living process serves is not (-EADDRINUSE). Returns the descriptor or -errno.
int abi_listen(const char *path, mode_t mode);
// Server: takes one connection (non-blocking, close-on-exec) and its credentials. Descriptor or
// -errno.
int abi_accept(int listener, uid_t *uid, pid_t *pid);
// Server: reads the hello of an accepted connection. 0, -EAGAIN, -EPROTO, -EPROTONOSUPPORT, -EPIPE.
int abi_hello_read(int connection, struct abi_hello *hello);
// Server: answers. fds[i] is passed as welcome->fd_kind[i], for fd_count of them. 0 or -errno.
int abi_welcome_send(int connection, struct abi_welcome *welcome, const int *fds);

#ifdef __cplusplus
}
#endif
