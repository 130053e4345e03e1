// SPDX-License-Identifier: BSD-3-Clause
#include "stats/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PATH_MOST 512u

static const char *type_of(const char *path)
{
	static const struct {
		const char *ending, *type;
	} types[] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".mjs", "text/javascript; charset=utf-8"},
		{".css", "text/css; charset=utf-8"},
		{".json", "application/json"},
		{".map", "application/json"},
		{".webmanifest", "application/manifest+json"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".jpg", "image/jpeg"},
		{".ico", "image/x-icon"},
		{".webp", "image/webp"},
		{".woff2", "font/woff2"},
		{".wasm", "application/wasm"},
		{".wav", "audio/wav"},
		{".mp3", "audio/mpeg"},
		{".ogg", "audio/ogg"},
		{".txt", "text/plain; charset=utf-8"},
	};
	const char *ending = strrchr(path, '.');

	for (size_t i = 0; ending && i < sizeof(types) / sizeof(types[0]); i++)
		if (strcasecmp(ending, types[i].ending) == 0)
			return types[i].type;
	return "application/octet-stream";
}

// Every part has a name, and none that begins with a dot: ".." leaves, and the others are nobody's business.
static bool is_served(const char *path)
{
	bool begins = true;

	for (const char *p = path; *p; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x20 || c == 0x7f || c == '\\' || (begins && (c == '.' || c == '/')))
			return false;
		begins = c == '/';
	}
	return !begins && strlen(path) < PATH_MOST;
}

int st_file_open(int directory, const char *url, struct st_file *file)
{
	struct open_how how = {
		// A FIFO that lies there must not stop the server.
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	const char *path = *url == '/' ? url + 1 : "";
	struct stat st;
	int fd;

	if (*url == '/' && !*path)
		path = "index.html";
	if (!is_served(path))
		return -ENOENT;
	fd = (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
	if (fd < 0) // EXDEV, ELOOP: a link that leads out. EACCES is the operator's to know of
		return errno == EACCES || errno == EMFILE || errno == ENFILE ? -errno : -ENOENT;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -ENOENT;
	}
	*file = (struct st_file){
		.fd = fd,
		.size = (uint64_t)st.st_size,
		.type = type_of(path),
		.lasting = strncmp(path, "assets/", 7) == 0,
	};
	return 0;
}
