/* SPDX-License-Identifier: MIT */
#include "edge/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct wire {
	uint32_t kind;
	uint32_t generation;
};

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int[2]))];
};

int
channel_open(int fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds);
}

/* How many descriptors come with a message. */
static size_t
fds_of(enum channel_kind kind)
{
	return kind == CHANNEL_PIPELINE ? 2 : kind == CHANNEL_ACCESS_LOG ? 1 : 0;
}

int
channel_send(int fd, const struct channel_message *message)
{
	struct wire wire = { (uint32_t)message->kind, message->generation };
	struct iovec part = { &wire, sizeof wire };
	union control control = { 0 };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	size_t size = fds_of(message->kind) * sizeof message->fds[0];
	ssize_t n;

	if (size > 0) {
		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(size);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(&control.header), message->fds, size);
	}
	do
		n = sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

/* Takes all `count` descriptors, or, if not all found room, none. */
static void
take_fds(struct msghdr *header, size_t count, int fds[2])
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(header);
	int fd;

	if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return;
	if (c->cmsg_len == CMSG_LEN(count * sizeof fd)) {
		memcpy(fds, CMSG_DATA(c), count * sizeof fd);
	} else if (c->cmsg_len == CMSG_LEN(sizeof fd)) {
		memcpy(&fd, CMSG_DATA(c), sizeof fd);
		close(fd);
	}
}

int
channel_receive(int fd, struct channel_message *message)
{
	struct wire wire;
	struct iovec part = { &wire, sizeof wire };
	union control control;
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	ssize_t n;

	do
		n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return (int)n;
	if (n != sizeof wire) {
		errno = EPROTO;
		return -1;
	}
	*message = (struct channel_message){ (enum channel_kind)wire.kind, wire.generation, { -1, -1 } };
	take_fds(&header, fds_of(message->kind), message->fds);
	return 1;
}
