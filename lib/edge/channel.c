/* SPDX-License-Identifier: MIT */
#include "edge/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

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

int
channel_send(int fd, const struct channel_message *message)
{
	struct wire wire = { (uint32_t)message->kind, message->generation };
	struct iovec part = { &wire, sizeof wire };
	union control control = { 0 };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;

	if (message->kind == CHANNEL_PIPELINE) {
		header.msg_control = &control;
		header.msg_controllen = sizeof control;
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof message->fds);
		memcpy(CMSG_DATA(&control.header), message->fds, sizeof message->fds);
	}
	do
		n = sendmsg(fd, &header, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

int
channel_receive(int fd, struct channel_message *message)
{
	struct wire wire;
	struct iovec part = { &wire, sizeof wire };
	union control control;
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	struct cmsghdr *c;
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
	c = CMSG_FIRSTHDR(&header);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof message->fds))
		memcpy(message->fds, CMSG_DATA(c), sizeof message->fds);
	return 1;
}
