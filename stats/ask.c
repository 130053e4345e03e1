// SPDX-License-Identifier: BSD-3-Clause
#include "stats/ask.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "controlplane/control/wire.h"
#include "dataplane/abi/shm.h"

static int dial(const char *run, char *why, size_t size)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int n = snprintf(un.sun_path, sizeof(un.sun_path), "%s/" CP_WIRE_SOCKET, run), fd, err;

	if (n < 0 || (size_t)n >= sizeof(un.sun_path)) {
		snprintf(why, size, "the directory's name is too long: %s", run);
		return -ENAMETOOLONG;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	err = -errno;
	if (fd >= 0)
		close(fd);
	snprintf(why, size, "%s: %s", un.sun_path,
		err == -ENOENT || err == -ECONNREFUSED ? "hawse-sip does not run" : strerror(-err));
	return err;
}

static int send_all(int fd, const uint8_t *bytes, size_t n)
{
	for (size_t sent = 0; sent < n;) {
		size_t left = n - sent;
		ssize_t k = send(fd, bytes + sent, left < CP_WIRE_PACKET ? left : CP_WIRE_PACKET,
			MSG_NOSIGNAL);

		if (k < 0 && errno == EINTR)
			continue;
		// Who is refused early has his answer to read.
		if (k < 0)
			return errno == EPIPE || errno == ECONNRESET ? 0 : -errno;
		sent += (size_t)k;
	}
	return 0;
}

static int receive_all(int fd, char **text, size_t *n)
{
	uint64_t until = abi_now_us() + ST_ASK_MS * 1000ull;
	size_t room = 0;
	bool reset = false;

	for (;;) {
		struct pollfd pfd = {fd, POLLIN, 0};
		uint64_t now = abi_now_us();
		ssize_t k;

		if (now >= until || poll(&pfd, 1, (int)((until - now) / 1000) + 1) == 0)
			return -ETIMEDOUT;
		if (room - *n < CP_WIRE_PACKET) {
			char *more = realloc(*text, room = room * 2 + 2 * CP_WIRE_PACKET);

			if (!more)
				return -ENOMEM;
			*text = more;
		}
		k = recv(fd, *text + *n, CP_WIRE_PACKET, 0);
		// It did not read all that was said; what it answered comes behind.
		if (k < 0 && errno == ECONNRESET && !reset) {
			reset = true;
			continue;
		}
		if (k < 0 && errno != EINTR)
			return -errno;
		if (k == 0)
			return 0;
		*n += k > 0 ? (size_t)k : 0;
		if (*n > ST_ASK_MOST)
			return -EMSGSIZE;
	}
}

static int exchange(int fd, const char *const *words, unsigned count, json_t **answer)
{
	char *text = NULL;
	uint8_t *bytes;
	size_t n;
	int err = cp_wire_pack(words, count, &bytes, &n);

	if (err)
		return err;
	err = send_all(fd, bytes, n);
	free(bytes);
	n = 0;
	if (!err)
		err = receive_all(fd, &text, &n);
	if (!err) {
		*answer = json_loadb(text, n, 0, NULL);
		err = json_is_object(*answer) ? 0 : -EPROTO;
		if (err)
			json_decref(*answer);
	}
	free(text);
	return err;
}

int st_ask(const char *run, const char *const *words, unsigned count, json_t **answer, char *why,
	size_t size)
{
	int fd = dial(run, why, size), err;

	*answer = NULL;
	if (fd < 0)
		return fd;
	err = exchange(fd, words, count, answer);
	close(fd);
	if (err) {
		*answer = NULL;
		snprintf(why, size, "%s",
			err == -ETIMEDOUT ? "hawse-sip does not answer" : strerror(-err));
	}
	return err;
}

// ---- printing --------------------------------------------------------------------------------------

static const char *scalar(const json_t *value, char *memory, size_t size)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return json_string_value(value);
	case JSON_INTEGER:
		snprintf(memory, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return memory;
	case JSON_REAL:
		snprintf(memory, size, "%g", json_real_value(value));
		return memory;
	case JSON_TRUE:
		return "yes";
	case JSON_FALSE:
		return "no";
	default:
		return "-";
	}
}

static const char *cell(const json_t *value, char *memory, size_t size)
{
	size_t n = 0;

	if (!json_is_array(value))
		return value && !json_is_object(value) ? scalar(value, memory, size) : "-";
	memory[0] = '\0';
	for (size_t i = 0; i < json_array_size(value) && n < size; i++) {
		char one[64];

		n += (size_t)snprintf(memory + n, size - n, "%s%s", i ? "," : "",
			scalar(json_array_get(value, i), one, sizeof(one)));
	}
	return memory[0] ? memory : "-";
}

static int width_of(const json_t *rows, const char *key)
{
	size_t width = strlen(key), n;
	char memory[256];

	for (size_t i = 0; i < json_array_size(rows); i++) {
		n = strlen(cell(
			json_object_get(json_array_get(rows, i), key), memory, sizeof(memory)));
		width = n > width ? n : width;
	}
	return (int)width;
}

static void print_table(const json_t *rows, FILE *out)
{
	json_t *first = json_array_get(rows, 0), *value;
	size_t columns = json_object_size(first), k;
	int widths[32];
	char memory[256];
	const char *key;

	k = 0;
	json_object_foreach(first, key, value)
	{
		if (k == 32)
			break;
		widths[k] = k + 1 < columns ? width_of(rows, key) : 0;
		fprintf(out, "%s%-*s", k ? "  " : "", widths[k], key);
		k++;
	}
	fputc('\n', out);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		k = 0;
		json_object_foreach(first, key, value)
		{
			if (k == 32)
				break;
			fprintf(out, "%s%-*s", k ? "  " : "", widths[k],
				cell(json_object_get(json_array_get(rows, i), key), memory,
					sizeof(memory)));
			k++;
		}
		fputc('\n', out);
	}
}

int st_print_answer(const json_t *answer, FILE *out)
{
	char memory[256];
	const char *key;
	json_t *value;
	int width = 0;

	json_object_foreach((json_t *)answer, key, value) if ((int)strlen(key) > width) width =
		(int)strlen(key);
	json_object_foreach((json_t *)answer, key, value)
	{
		if (strcmp(key, "ok") == 0)
			continue;
		if (!json_is_array(value) || !json_is_object(json_array_get(value, 0)))
			fprintf(out, "%-*s  %s\n", width, key, cell(value, memory, sizeof(memory)));
		else
			print_table(value, out);
	}
	return ST_EXIT_OK;
}

// ---- orders ----------------------------------------------------------------------------------------

const struct st_order *st_order_find(char *const *words, int count, int *used)
{
	const struct st_order *found = NULL;

	*used = 0;
	for (const struct st_order *o = st_orders; o->name; o++) {
		const char *name = o->name;
		int i = 0;

		for (; i < count; i++) {
			size_t n = strlen(words[i]);

			if (!n || strncmp(name, words[i], n) != 0 || (name[n] && name[n] != ' '))
				break;
			name += n + (name[n] == ' ');
			if (!*name) {
				i++;
				break;
			}
		}
		if (!*name && i > *used) {
			*used = i;
			found = o;
		}
	}
	return found;
}

static int exit_code(json_int_t code)
{
	return code == -ENOENT   ? ST_EXIT_NOT_FOUND
	       : code == -EINVAL ? ST_EXIT_USAGE
				 : ST_EXIT_FAILED;
}

int st_order_ask(
	const struct st_order_call *call, const char *const *words, unsigned count, json_t **answer)
{
	char why[512];
	int failed = st_ask(call->run, words, count, answer, why, sizeof(why));
	const char *text;
	int code;

	if (failed) {
		fprintf(call->err, "hawsectl: %s\n", why);
		return failed == -ENOENT || failed == -ECONNREFUSED || failed == -EACCES
			       ? ST_EXIT_NOT_RUNNING
			       : ST_EXIT_FAILED;
	}
	if (json_is_true(json_object_get(*answer, "ok")))
		return ST_EXIT_OK;
	text = json_string_value(json_object_get(*answer, "error"));
	code = exit_code(json_integer_value(json_object_get(*answer, "code")));
	fprintf(call->err, "hawsectl: %s\n", text ? text : "hawse-sip refused");
	if (call->json &&
		(json_dumpf(*answer, call->out, JSON_INDENT(2)) || fputc('\n', call->out) == EOF))
		code = ST_EXIT_FAILED;
	json_decref(*answer);
	*answer = NULL;
	return code;
}

int st_order_run(const struct st_order_call *call)
{
	const struct st_order *order = call->order;
	json_t *answer;
	int code;

	if (order->run)
		return order->run(call);
	code = st_order_ask(call, (const char *const *)call->words, (unsigned)call->count, &answer);
	if (code)
		return code;
	if (call->json) {
		if (json_dumpf(answer, call->out, JSON_INDENT(2)) || fputc('\n', call->out) == EOF)
			code = ST_EXIT_FAILED;
	} else if (order->done && json_object_size(answer) == 1) {
		fprintf(call->out, "%s\n", order->done);
	} else {
		code = order->print ? order->print(answer, call->out)
				    : st_print_answer(answer, call->out);
	}
	json_decref(answer);
	return code;
}

// ---- drain -----------------------------------------------------------------------------------------

int st_drain(const struct st_order_call *call)
{
	const char *words[] = {"drain"}, *status[] = {"status"};
	json_int_t left, told = -1;
	char why[512];
	json_t *answer;
	int code = st_order_ask(call, words, 1, &answer), draining = 1;

	if (code)
		return code;
	if (call->json) {
		code = json_dumpf(answer, call->out, JSON_INDENT(2)) ||
		       fputc('\n', call->out) == EOF;
		json_decref(answer);
		return code ? ST_EXIT_FAILED : ST_EXIT_OK;
	}
	json_decref(answer);
	while (st_ask(call->run, status, 1, &answer, why, sizeof(why)) == 0) {
		left = json_integer_value(json_object_get(answer, "calls"));
		draining = json_is_true(json_object_get(answer, "draining")) ||
			   json_is_true(json_object_get(answer, "stopping"));
		json_decref(answer);
		if (!draining) {
			fprintf(call->err, "hawsectl: somebody cancelled it\n");
			return ST_EXIT_FAILED;
		}
		if (left != told)
			fprintf(call->out, "%lld calls left\n", (long long)left);
		fflush(call->out);
		told = left;
		usleep(500000);
	}
	fprintf(call->out, "hawse-sip has ended\n");
	return ST_EXIT_OK;
}
