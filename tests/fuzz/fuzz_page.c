// SPDX-License-Identifier: BSD-3-Clause
// Any path that a browser may ask for: only regular files below the directory are opened, none whose name is hidden,
// and never what lies outside, whatever links lead there.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stats/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char root[] = "/tmp/hawse-fuzz-page-XXXXXX";

static void must(int truth)
{
	if (!truth)
		abort();
}

static void put(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void clean(void)
{
	static const char *const names[] = {
		"p/a/b.js", "p/a", "p/.e", "p/u", "p/l", "p/index.html", "p", "s", "."};

	if (chdir(root))
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) - 1; i++)
		if (unlink(names[i]))
			rmdir(names[i]);
	rmdir(root);
}

static int begin(void)
{
	must(mkdtemp(root) && chdir(root) == 0 && mkdir("p", 0755) == 0 && mkdir("p/a", 0755) == 0);
	atexit(clean);
	put("s", "SECRET");
	put("p/.e", "SECRET");
	put("p/index.html", "open");
	put("p/a/b.js", "open");
	must(symlink("..", "p/u") == 0 && symlink("../s", "p/l") == 0);
	return open("p", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int directory = -1;
	char url[600], bytes[8] = "";
	struct st_file file;

	if (directory < 0)
		directory = begin();
	size = size < sizeof(url) - 1 ? size : sizeof(url) - 1;
	memcpy(url, data, size);
	url[size] = '\0';
	if (st_file_open(directory, url, &file))
		return 0;
	must(read(file.fd, bytes, sizeof(bytes)) == 4 && memcmp(bytes, "open", 4) == 0);
	must(file.size == 4 && file.type[0]);
	close(file.fd);
	return 0;
}
