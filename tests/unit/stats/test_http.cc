// SPDX-License-Identifier: BSD-3-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "controlplane/config/config.h"
#include "stats/http.h"

struct State {
	int result = 0;
	bool well = true;
};

static int metrics(void *ctx, FILE *out)
{
	fprintf(out, "hawse_up 1\n");
	return ((State *)ctx)->result;
}

static int health(void *ctx, FILE *out)
{
	fprintf(out, "words\n");
	return ((State *)ctx)->well;
}

class Http : public testing::Test
{
      protected:
	static constexpr st_http_ops ops = {metrics, health};
	State state;
	st_http *http = nullptr;
	char error[ST_HTTP_ERROR];

	int start(const char *at)
	{
		cfg_address a;

		EXPECT_EQ(cfg_address_parse(&a, at, false), 0);
		if (std::string(at) == "127.0.0.1:1")
			a.port = 0;
		return st_http_start(&http, &a, &ops, &state, error);
	}

	std::string ask(const std::string &request)
	{
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		sockaddr_in sin = {};
		std::string answer;

		sin.sin_family = AF_INET;
		sin.sin_port = htons(st_http_port(http));
		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		EXPECT_EQ(connect(fd, (sockaddr *)&sin, sizeof(sin)), 0);
		EXPECT_EQ(write(fd, request.data(), request.size()), (ssize_t)request.size());
		for (int i = 0; i < 200; i++) {
			pollfd p[2] = {{st_http_fd(http), POLLIN, 0}, {fd, POLLIN, 0}};
			char bytes[4096];

			poll(p, 2, 10);
			st_http_run(http);
			if (!(p[1].revents & (POLLIN | POLLHUP)))
				continue;
			ssize_t n = read(fd, bytes, sizeof(bytes));
			if (n <= 0)
				break;
			answer.append(bytes, (size_t)n);
		}
		close(fd);
		return answer;
	}

	std::string get(const char *path, const char *method = "GET")
	{
		return ask(
			std::string(method) + " " + path +
			" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
	}

	void TearDown() override
	{
		st_http_stop(http);
	}
};

constexpr st_http_ops Http::ops;

static bool has(const std::string &text, const char *part)
{
	return text.find(part) != std::string::npos;
}

TEST_F(Http, Pages)
{
	ASSERT_EQ(start("127.0.0.1:1"), 0) << error;
	std::string m = get("/metrics");
	EXPECT_TRUE(has(m, "HTTP/1.1 200")) << m;
	EXPECT_TRUE(has(m, "text/plain; version=0.0.4")) << m;
	EXPECT_TRUE(has(m, "\r\n\r\nhawse_up 1\n")) << m;
	EXPECT_TRUE(has(get("/"), "/metrics"));
	EXPECT_TRUE(has(get("/nothing"), "HTTP/1.1 404"));
	EXPECT_TRUE(has(get("/metrics", "POST"), "HTTP/1.1 405"));
	EXPECT_TRUE(has(get("/metrics", "POST"), "Allow: GET, HEAD"));
	std::string h = get("/metrics", "HEAD");
	EXPECT_TRUE(has(h, "HTTP/1.1 200"));
	EXPECT_FALSE(has(h, "hawse_up"));
}

TEST_F(Http, Health)
{
	ASSERT_EQ(start("127.0.0.1:1"), 0) << error;
	EXPECT_TRUE(has(get("/healthz"), "HTTP/1.1 200"));
	state.well = false;
	std::string h = get("/healthz");
	EXPECT_TRUE(has(h, "HTTP/1.1 503")) << h;
	EXPECT_TRUE(has(h, "words\n"));
	state.result = -ENOMEM;
	EXPECT_TRUE(has(get("/metrics"), "HTTP/1.1 500"));
}

TEST_F(Http, Junk)
{
	ASSERT_EQ(start("127.0.0.1:1"), 0) << error;
	ask(std::string(200000, 'x') + "\r\n\r\n");
	ask(std::string("\0\1\2\3\r\n\r\n", 8));
	ask("GET /" + std::string(100000, 'y') + " HTTP/1.1\r\n\r\n");
	EXPECT_TRUE(has(get("/metrics"), "HTTP/1.1 200"));
}

TEST_F(Http, ErrorsSayWhatToDo)
{
	ASSERT_EQ(start("127.0.0.1:1"), 0) << error;
	std::string at = "127.0.0.1:" + std::to_string(st_http_port(http));
	st_http *first = http;
	EXPECT_EQ(start(at.c_str()), -EADDRINUSE);
	EXPECT_TRUE(has(error, "another program listens there")) << error;
	EXPECT_TRUE(has(error, at.c_str())) << error;
	EXPECT_EQ(start("203.0.113.1:9090"), -EADDRNOTAVAIL);
	EXPECT_TRUE(has(error, "no interface")) << error;
	http = first;
}
