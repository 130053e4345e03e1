// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>

#include "dataplane/abi/hello.h"
#include "dataplane/abi/layout.h"
#include "dataplane/abi/shm.h"

namespace
{

struct Hello : testing::Test {
	char dir[32] = "/tmp/hawse-hello-XXXXXX";
	std::string path;
	int listener = -1;

	void SetUp() override
	{
		ASSERT_NE(mkdtemp(dir), nullptr);
		path = std::string(dir) + "/media.sock";
		listener = abi_listen(path.c_str(), 0600);
		ASSERT_GE(listener, 0);
	}

	void TearDown() override
	{
		close(listener);
		unlink(path.c_str());
		rmdir(dir);
	}

	int accept(abi_hello *hello, int *err)
	{
		pollfd pfd = {listener, POLLIN, 0};
		uid_t uid;
		pid_t pid;

		poll(&pfd, 1, 2000);
		int connection = abi_accept(listener, &uid, &pid);
		EXPECT_GE(connection, 0);
		EXPECT_EQ(uid, getuid());
		EXPECT_EQ(pid, getpid());
		pfd = {connection, POLLIN, 0};
		poll(&pfd, 1, 2000);
		*err = abi_hello_read(connection, hello);
		return connection;
	}
};

TEST_F(Hello, DescriptorsArriveUnderTheirKind)
{
	abi_attached attached;
	int result = 1, err, connection;
	abi_hello hello;
	abi_shm a, b, mapped;

	ASSERT_EQ(abi_shm_create(&a, "a", 4096, true), 0);
	ASSERT_EQ(abi_shm_create(&b, "b", 8192, false), 0);
	std::thread client([&] {
		result = abi_attach(&attached, path.c_str(), ABI_ROLE_CONTROL, "tester", 2000);
	});
	connection = accept(&hello, &err);
	EXPECT_EQ(err, 0);
	EXPECT_STREQ(hello.name, "tester");
	EXPECT_EQ(hello.role, static_cast<uint32_t>(ABI_ROLE_CONTROL));
	abi_welcome welcome = {};
	welcome.generation = 9;
	welcome.fd_count = 2;
	welcome.fd_kind[0] = ABI_FD_B;
	welcome.fd_kind[1] = ABI_FD_A;
	int fds[] = {b.fd, a.fd};
	EXPECT_EQ(abi_welcome_send(connection, &welcome, fds), 0);
	client.join();
	ASSERT_EQ(result, 0);
	EXPECT_EQ(attached.welcome.generation, 9u);
	EXPECT_EQ(attached.fds[ABI_FD_PUNT], -1);
	ASSERT_EQ(abi_shm_map(&mapped, dup(attached.fds[ABI_FD_B]), 8192, true), 0);
	abi_shm_close(&mapped);
	EXPECT_EQ(abi_shm_map(&mapped, dup(attached.fds[ABI_FD_A]), 4096, true), -EPERM);

	// The death of one side is a hang-up for the other.
	close(connection);
	pollfd pfd = {attached.socket, POLLIN, 0};
	EXPECT_EQ(poll(&pfd, 1, 2000), 1);
	EXPECT_TRUE(pfd.revents & POLLHUP);
	abi_detach(&attached);
	abi_shm_close(&a);
	abi_shm_close(&b);
}

TEST_F(Hello, RefusalReachesTheClient)
{
	abi_attached attached;
	int result = 1, err, connection;
	abi_hello hello;

	std::thread client([&] {
		result = abi_attach(&attached, path.c_str(), ABI_ROLE_READER, "tester", 2000);
	});
	connection = accept(&hello, &err);
	abi_welcome welcome = {};
	welcome.status = -EACCES;
	EXPECT_EQ(abi_welcome_send(connection, &welcome, nullptr), 0);
	client.join();
	EXPECT_EQ(result, -EACCES);
	EXPECT_EQ(attached.socket, -1);
	close(connection);
}

TEST_F(Hello, AServerThatSaysNothingTimesOut)
{
	abi_attached attached;

	EXPECT_EQ(abi_attach(&attached, path.c_str(), ABI_ROLE_READER, "tester", 50), -ETIMEDOUT);
}

TEST_F(Hello, NobodyServesIsConnectionRefused)
{
	abi_attached attached;

	close(listener);
	EXPECT_EQ(
		abi_attach(&attached, path.c_str(), ABI_ROLE_READER, "tester", 50), -ECONNREFUSED);
	unlink(path.c_str());
	EXPECT_EQ(abi_attach(&attached, path.c_str(), ABI_ROLE_READER, "tester", 50), -ENOENT);
	listener = abi_listen(path.c_str(), 0600);
}

TEST_F(Hello, JunkAndOtherVersionsAreRefused)
{
	struct sockaddr_un un = {};
	abi_hello hello = {}, seen;
	int err, fd, connection;

	un.sun_family = AF_UNIX;
	strcpy(un.sun_path, path.c_str());
	hello.magic = ABI_HELLO_MAGIC;
	hello.major = ABI_MAJOR + 1;
	struct {
		const void *bytes;
		size_t size;
		int expected;
	} cases[] = {{"junk", 4, -EPROTO}, {&hello, sizeof(hello), -EPROTONOSUPPORT},
		{&hello, sizeof(hello) - 1, -EPROTO}};
	for (auto &c : cases) {
		fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		ASSERT_EQ(connect(fd, reinterpret_cast<sockaddr *>(&un), sizeof(un)), 0);
		ASSERT_EQ(send(fd, c.bytes, c.size, 0), (ssize_t)c.size);
		connection = accept(&seen, &err);
		EXPECT_EQ(err, c.expected);
		close(connection);
		close(fd);
	}
}

TEST_F(Hello, ASocketInUseIsNotTakenOverButAStaleOneIs)
{
	EXPECT_EQ(abi_listen(path.c_str(), 0600), -EADDRINUSE);
	close(listener);
	listener = abi_listen(path.c_str(), 0660);
	ASSERT_GE(listener, 0);
	struct stat st;
	ASSERT_EQ(stat(path.c_str(), &st), 0);
	EXPECT_EQ(st.st_mode & 0777, 0660u);
}

} // namespace
