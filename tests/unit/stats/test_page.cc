// SPDX-License-Identifier: BSD-3-Clause
// The page over HTTPS: what is served, what never is, and certificates that change.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../net/certificate.h"
#include "stats/file.h"
#include "stats/page.h"

// root/secret, root/page/{index.html,.env,assets/x-1.js,a b.css,...}
class Page : public testing::Test
{
      protected:
	char root[32] = "/tmp/hawse-page-XXXXXX";
	Certificate one{"one.test", nullptr, {"DNS:one.test"}};
	Certificate two{"two.test", nullptr, {"DNS:two.test"}};
	st_page *page = nullptr;
	cfg_page cfg = {};
	char error[ST_PAGE_ERROR] = "";
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	std::string shown; // the name in the certificate that the last answer came with

	void put(const std::string &name, const std::string &text)
	{
		std::ofstream(std::string(root) + "/" + name) << text;
	}

	void SetUp() override
	{
		ASSERT_NE(mkdtemp(root), nullptr);
		std::string at = root;
		mkdir((at + "/page").c_str(), 0755);
		mkdir((at + "/page/assets").c_str(), 0755);
		mkdir((at + "/page/.git").c_str(), 0755);
		put("secret", "SECRET");
		put("page/index.html", "<p>phone</p>");
		put("page/.env", "SECRET");
		put("page/.git/config", "SECRET");
		put("page/assets/x-1.js", "var x");
		put("page/a b.css", "p {}");
		put("page/what", "bytes");
		ASSERT_EQ(symlink("../secret", (at + "/page/link").c_str()), 0);
		ASSERT_EQ(symlink("/etc/passwd", (at + "/page/absolute").c_str()), 0);
		ASSERT_EQ(symlink("..", (at + "/page/up").c_str()), 0);
		ASSERT_EQ(symlink("index.html", (at + "/page/inside.html").c_str()), 0);
		ASSERT_EQ(mkfifo((at + "/page/fifo").c_str(), 0644), 0);
		snprintf(cfg.directory, sizeof(cfg.directory), "%s/page", root);
		use(one, one);
		EXPECT_EQ(cfg_address_parse(&cfg.listen, "127.0.0.1:1", false), 0);
		cfg.listen.port = 0;
	}

	void use(const Certificate &certificate, const Certificate &key)
	{
		snprintf(cfg.certificate, sizeof(cfg.certificate), "%s",
			certificate.certificate.c_str());
		snprintf(cfg.key, sizeof(cfg.key), "%s", key.key.c_str());
	}

	int start()
	{
		int err = st_page_open(&page, &cfg, error);

		return err ? err : st_page_load(page, error);
	}

	void run()
	{
		pollfd p = {st_page_fd(page), POLLIN, 0};

		poll(&p, 1, 1);
		st_page_run(page);
	}

	// 1: done, 0: again, -1: it failed.
	int turn(SSL *ssl, int result)
	{
		int why = result > 0 ? SSL_ERROR_NONE : SSL_get_error(ssl, result);

		run();
		return result > 0 ? 1 : why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? 0 : -1;
	}

	std::string ask(const std::string &request)
	{
		int fd = socket(AF_INET, SOCK_STREAM, 0), done = 0;
		sockaddr_in sin = {};
		std::string answer;
		char bytes[4096], name[64] = "";

		sin.sin_family = AF_INET;
		sin.sin_port = htons(st_page_port(page));
		sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr *>(&sin), sizeof(sin)), 0);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		SSL *ssl = SSL_new(ctx);
		SSL_set_fd(ssl, fd);
		for (int i = 0; i < 2000 && !done; i++)
			done = turn(ssl, SSL_connect(ssl));
		if (done == 1) {
			X509 *x = SSL_get1_peer_certificate(ssl);
			X509_NAME_get_text_by_NID(
				X509_get_subject_name(x), NID_commonName, name, sizeof(name));
			X509_free(x);
			done = 0;
			for (int i = 0; i < 2000 && !done; i++)
				done = turn(ssl, SSL_write(ssl, request.data(), (int)request.size()));
			done = 0;
			for (int i = 0; i < 2000 && done >= 0; i++) {
				int n = SSL_read(ssl, bytes, sizeof(bytes));

				if (n > 0)
					answer.append(bytes, (size_t)n);
				done = turn(ssl, n);
			}
		}
		shown = name;
		SSL_free(ssl);
		close(fd);
		return answer;
	}

	std::string get(const std::string &path, const char *method = "GET")
	{
		return ask(std::string(method) + " " + path +
			   " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
	}

	void TearDown() override
	{
		st_page_close(page);
		SSL_CTX_free(ctx);
		std::string rm = std::string("rm -rf ") + root;
		EXPECT_EQ(system(rm.c_str()), 0);
	}
};

static bool has(const std::string &text, const char *part)
{
	return text.find(part) != std::string::npos;
}

TEST_F(Page, FilesAndTheirHeaders)
{
	ASSERT_EQ(start(), 0) << error;
	std::string a = get("/");
	EXPECT_TRUE(has(a, "HTTP/1.1 200")) << a;
	EXPECT_TRUE(has(a, "Content-Type: text/html; charset=utf-8")) << a;
	EXPECT_TRUE(has(a, "Content-Security-Policy: default-src 'none'; script-src 'self';")) << a;
	EXPECT_TRUE(has(a, "X-Content-Type-Options: nosniff"));
	EXPECT_TRUE(has(a, "Permissions-Policy: microphone=(self)"));
	EXPECT_TRUE(has(a, "Cache-Control: no-cache"));
	EXPECT_TRUE(has(a, "\r\n\r\n<p>phone</p>"));
	EXPECT_EQ(shown, "one.test");
	a = get("/assets/x-1.js?v=2");
	EXPECT_TRUE(has(a, "Content-Type: text/javascript")) << a;
	EXPECT_TRUE(has(a, "immutable")) << a;
	EXPECT_TRUE(has(a, "\r\n\r\nvar x"));
	EXPECT_TRUE(has(get("/a%20b.css"), "Content-Type: text/css"));
	EXPECT_TRUE(has(get("/what"), "Content-Type: application/octet-stream"));
	EXPECT_TRUE(has(get("/inside.html"), "<p>phone</p>"));
	a = get("/", "HEAD");
	EXPECT_TRUE(has(a, "Content-Length: 12")) << a;
	EXPECT_FALSE(has(a, "<p>"));
	EXPECT_TRUE(has(get("/", "POST"), "HTTP/1.1 405"));
}

TEST_F(Page, NothingElse)
{
	static const char *const paths[] = {"/../secret", "/%2e%2e/secret", "/%2e%2e%2fsecret",
		"/assets/../../secret", "/assets/..%2f..%2fsecret", "//secret", "/./index.html",
		"/.env", "/.git/config", "/link", "/absolute", "/up/secret", "/fifo", "/assets",
		"/assets/", "/..\\secret", "/metrics",
		"/nothing", "/index.html/", "/a%0ab"};

	ASSERT_EQ(start(), 0) << error;
	for (auto *path : paths) {
		std::string a = get(path);

		EXPECT_TRUE(has(a, "HTTP/1.1 404")) << path << ": " << a;
		EXPECT_FALSE(has(a, "SECRET") || has(a, "root:")) << path;
	}
	EXPECT_TRUE(has(get("/%00/../secret"), "<p>phone</p>")); // the path ends there
	EXPECT_FALSE(has(get("/" + std::string(5000, 'x')), " 200 "));
	EXPECT_TRUE(has(get("/"), " 200 "));
}

TEST_F(Page, ClearTextAndJunkAreNotAnswered)
{
	ASSERT_EQ(start(), 0) << error;
	SSL_CTX_set_max_proto_version(ctx, TLS1_1_VERSION);
	EXPECT_EQ(get("/"), "");
	SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION);
	EXPECT_TRUE(has(get("/"), " 200 "));
}

TEST_F(Page, AnotherCertificate)
{
	ASSERT_EQ(start(), 0) << error;
	get("/");
	EXPECT_EQ(shown, "one.test");
	std::string copy = "cp " + two.certificate + " " + one.certificate;
	ASSERT_EQ(system(copy.c_str()), 0);
	EXPECT_EQ(st_page_load(page, error), -EINVAL); // it has the key of the other
	EXPECT_TRUE(has(error, one.certificate.c_str())) << error;
	get("/");
	EXPECT_EQ(shown, "one.test");
	copy = "cp " + two.key + " " + one.key;
	ASSERT_EQ(system(copy.c_str()), 0);
	EXPECT_EQ(st_page_load(page, error), 0) << error;
	EXPECT_TRUE(has(get("/"), " 200 "));
	EXPECT_EQ(shown, "two.test");
}

TEST_F(Page, ErrorsSayWhatIsWrong)
{
	use(one, two);
	EXPECT_EQ(start(), -EINVAL);
	EXPECT_TRUE(has(error, "stats.page")) << error;
	st_page_close(page);
	page = nullptr;
	use(one, one);
	snprintf(cfg.key, sizeof(cfg.key), "/nowhere/key.pem");
	EXPECT_EQ(start(), -ENOENT);
	EXPECT_TRUE(has(error, "stats.page.key: /nowhere/key.pem: No such file")) << error;
	st_page_close(page);
	page = nullptr;
	use(one, one);
	snprintf(cfg.directory, sizeof(cfg.directory), "%s/page/assets", root);
	EXPECT_EQ(start(), -ENOENT);
	EXPECT_TRUE(has(error, "assets/index.html")) << error;
	st_page_close(page);
	page = nullptr;
	EXPECT_EQ(cfg_address_parse(&cfg.listen, "203.0.113.1:8443", false), 0);
	EXPECT_EQ(start(), -EADDRNOTAVAIL);
	EXPECT_TRUE(has(error, "stats.page.listen")) << error;
}
