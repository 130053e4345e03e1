// SPDX-License-Identifier: BSD-3-Clause
//
// hawsectl config ...: hawse-sip judges and takes over; what lies in files is hawsectl's, done with the rights of who
// calls it. A configuration that is loaded also replaces the file that hawse-sip (and hawse-media) start with: its
// temporary file is written before hawse-sip is asked and renamed when it has said yes, so that nothing
// runs that a restart would not find.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "controlplane/config/config.h"
#include "stats/ask.h"

static int say(const struct st_order_call *call, int code, const char *what, const char *why)
{
	fprintf(call->err, "hawsectl: %s: %s\n", what, why);
	return code;
}

// ---- differences -----------------------------------------------------------------------------------

static void print_differences(const struct st_order_call *call, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "differences");
	json_int_t more = json_integer_value(json_object_get(answer, "more"));

	if (!json_array_size(list))
		fprintf(call->out, "nothing differs\n");
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *d = json_array_get(list, i);
		const char *before = json_string_value(json_object_get(d, "before"));
		const char *after = json_string_value(json_object_get(d, "after"));

		fprintf(call->out, "%c %s: %s%s%s    (%s)\n",
			!before  ? '+'
			: !after ? '-'
				 : '~',
			json_string_value(json_object_get(d, "key")), before ? before : "",
			before && after ? " -> " : "", after ? after : "",
			json_string_value(json_object_get(d, "effect")));
	}
	if (more)
		fprintf(call->out, "and %lld more\n", (long long)more);
}

static int print(const struct st_order_call *call, json_t *answer)
{
	const char *refused = json_string_value(json_object_get(answer, "refused"));
	int code = ST_EXIT_OK;

	if (call->json) {
		if (json_dumpf(answer, call->out, JSON_INDENT(2)) || fputc('\n', call->out) == EOF)
			code = ST_EXIT_FAILED;
	} else {
		print_differences(call, answer);
		if (refused)
			fprintf(call->out, "it would be refused: %s\n", refused);
	}
	return code;
}

// ---- asking ----------------------------------------------------------------------------------------

// Reads FILE as *text. An exit code.
static int read_given(const struct st_order_call *call, char path[PATH_MAX], char **text)
{
	const char *file = call->words[call->used];
	struct cfg_error error;
	size_t size;

	*text = NULL;
	if (cfg_read(file, text, &size, &error)) {
		fprintf(call->err, "hawsectl: %s\n", error.text);
		return ST_EXIT_USAGE;
	}
	if (memchr(*text, '\0', size)) {
		free(*text);
		return say(call, ST_EXIT_USAGE, file, "is no text");
	}
	if (!realpath(file, path))
		snprintf(path, PATH_MAX, "%s", file);
	return ST_EXIT_OK;
}

static int ask_given(const struct st_order_call *call, const char *what, const char *path,
	const char *text, json_t **answer)
{
	const char *words[] = {"config", what, path, text};

	return st_order_ask(call, words, 4, answer);
}

int st_config_check(const struct st_order_call *call)
{
	char path[PATH_MAX], why[256], *text;
	const char *words[] = {"config", "check", path, NULL};
	struct cfg_error error;
	json_t *answer = NULL;
	struct cfg *cfg;
	int code = read_given(call, path, &text), failed;

	if (code)
		return code;
	if (cfg_parse(&cfg, call->words[call->used], text, strlen(text), &error)) {
		fprintf(call->err, "%s\n", error.text);
		free(text);
		return ST_EXIT_USAGE;
	}
	words[3] = text;
	cfg_free(cfg);
	failed = st_ask(call->run, words, 4, &answer, why, sizeof(why));
	json_decref(answer);
	answer = NULL;
	if (failed == -ENOENT || failed == -ECONNREFUSED)
		fprintf(call->out,
			"%s: nothing wrong in itself; hawse-sip does not run, so the files that it "
			"names were not read\n",
			call->words[call->used]);
	else
		code = st_order_ask(call, words, 4, &answer);
	if (answer && call->json)
		code = print(call, answer);
	else if (answer)
		fprintf(call->out, "%s: nothing wrong\n", call->words[call->used]);
	json_decref(answer);
	free(text);
	return code;
}

int st_config_diff(const struct st_order_call *call)
{
	char path[PATH_MAX], *text;
	json_t *answer = NULL;
	int code = read_given(call, path, &text);

	if (!code)
		code = ask_given(call, "diff", path, text, &answer);
	if (!code)
		code = print(call, answer);
	json_decref(answer);
	free(text);
	return code;
}

// ---- the file --------------------------------------------------------------------------------------

// The file that hawse-sip starts with. An exit code.
static int own_file(const struct st_order_call *call, char file[PATH_MAX])
{
	const char *words[] = {"status"};
	json_t *answer;
	int code = st_order_ask(call, words, 1, &answer);

	if (code)
		return code;
	snprintf(file, PATH_MAX, "%s", json_string_value(json_object_get(answer, "file")));
	json_decref(answer);
	return ST_EXIT_OK;
}

static int write_all(int fd, const char *text, size_t n)
{
	while (n) {
		ssize_t k = write(fd, text, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -errno;
		text += k;
		n -= (size_t)k;
	}
	return fsync(fd) ? -errno : 0;
}

// The text beside `file`, with its owner and mode, as `temporary`. 0 or -errno.
static int prepare(const char *file, const char *text, char temporary[PATH_MAX + 16])
{
	struct stat st;
	int fd, err;

	snprintf(temporary, PATH_MAX + 16, "%s.new-XXXXXX", file);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		temporary[0] = '\0';
		return -errno;
	}
	err = write_all(fd, text, strlen(text));
	if (!err && stat(file, &st) == 0) {
		if (fchmod(fd, st.st_mode & 07777) < 0)
			err = -errno;
		// Who may not give a file away leaves it his own.
		if (!err && fchown(fd, st.st_uid, st.st_gid) < 0 && errno != EPERM)
			err = -errno;
	}
	close(fd);
	if (err)
		unlink(temporary);
	return err;
}

// hawse-media reads its file again. Its process is whoever serves its socket.
static void tell_media(const struct st_order_call *call, const json_t *answer)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const json_t *list = json_object_get(answer, "differences");
	struct ucred cred = {0};
	socklen_t n = sizeof(cred);
	bool needed = false;

	for (size_t i = 0; i < json_array_size(list); i++)
		needed |= strstr(json_string_value(
					 json_object_get(json_array_get(list, i), "effect")),
				  "in hawse-media") != NULL;
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/media.sock", call->run);
	if (needed && fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0 &&
		getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == 0 && cred.pid > 0 &&
		kill(cred.pid, SIGHUP) < 0)
		fprintf(call->err,
			"hawsectl: hawse-media (process %d) cannot be told: %s; send it SIGHUP\n",
			(int)cred.pid, strerror(errno));
	if (fd >= 0)
		close(fd);
}

// Asks hawse-sip by `words`, and has `text` in its file when it agrees. text NULL: the file is as it shall be.
static int load(const struct st_order_call *call, const char *const *words, unsigned count,
	const char *file, const char *text)
{
	char temporary[PATH_MAX + 16] = "";
	json_t *answer = NULL;
	int err = text ? prepare(file, text, temporary) : 0, code;

	if (err)
		return say(call, ST_EXIT_FAILED, file,
			err == -EACCES || err == -EPERM || err == -EROFS
				? "may not be written by you; nothing was changed. --trial loads "
				  "without keeping"
				: strerror(-err));
	code = st_order_ask(call, words, count, &answer);
	if (code && temporary[0])
		unlink(temporary);
	if (!code && temporary[0] && rename(temporary, file) < 0)
		code = say(
			call, ST_EXIT_FAILED, file, "it runs, but the file could not be replaced");
	if (!code) {
		tell_media(call, answer);
		json_object_del(answer, "text");
		code = print(call, answer);
	}
	json_decref(answer);
	return code;
}

int st_config_load(const struct st_order_call *call)
{
	char path[PATH_MAX] = "", own[PATH_MAX], *text = NULL;
	const char *words[] = {"config", "load", path, NULL}, *again[] = {"config", "reload"};
	int code;

	if (call->count == call->used) {
		code = load(call, again, 2, NULL, NULL);
	} else {
		code = read_given(call, path, &text);
		words[3] = text;
		if (!code)
			code = own_file(call, own);
		if (!code)
			code = load(call, words, 4, own,
				call->trial || strcmp(own, path) == 0 ? NULL : text);
	}
	free(text);
	return code;
}

// The text of an entry of the history, by `config show`.
int st_config_rollback(const struct st_order_call *call)
{
	const char *words[] = {"config", "history"}, *show[] = {"config", "show", NULL},
		   *back[] = {"config", "rollback", NULL};
	char number[24], own[PATH_MAX];
	json_t *answer = NULL;
	int code = own_file(call, own);

	if (code)
		return code;
	if (call->count > call->used) {
		snprintf(number, sizeof(number), "%s", call->words[call->used]);
	} else {
		code = st_order_ask(call, words, 2, &answer);
		if (code)
			return code;
		// The newest stands first.
		snprintf(number, sizeof(number), "%lld",
			(long long)json_integer_value(json_object_get(
				json_array_get(json_object_get(answer, "history"), 1), "number")));
		json_decref(answer);
	}
	show[2] = back[2] = number;
	code = st_order_ask(call, show, 3, &answer);
	if (code)
		return code;
	code = load(call, back, 3, own,
		call->trial ? NULL : json_string_value(json_object_get(answer, "text")));
	json_decref(answer);
	return code;
}

int st_config_show(const struct st_order_call *call)
{
	json_t *answer = NULL;
	int code = st_order_ask(
		call, (const char *const *)call->words, (unsigned)call->count, &answer);

	if (code)
		return code;
	fputs(json_string_value(json_object_get(answer, "text")), call->out);
	json_decref(answer);
	return ST_EXIT_OK;
}
