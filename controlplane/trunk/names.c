// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/trunk/names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "controlplane/log.h"

#define REFRESH_MS 2000u // how often expired answers are looked for; what is fresh costs nothing

struct name {
	struct cp_names *n;
	char peer[CFG_NAME];
	struct cp_resolve_query query;
	struct cp_resolve_answer answer; // the last good one
	bool pending, failed;
};

struct address {              // sorted, to be searched
	struct sip_addr addr; // port 0
	unsigned name;
};

struct cp_names {
	struct cp_resolver *resolver;
	uv_timer_t timer;
	struct name **list;
	unsigned count;
	struct address *addresses;
	unsigned address_count;
};

// ---- whose address it is

static int compare(const void *a, const void *b)
{
	const struct sip_addr *x = &((const struct address *)a)->addr;
	const struct sip_addr *y = &((const struct address *)b)->addr;

	return x->family != y->family ? x->family - y->family : memcmp(x->ip, y->ip, sizeof(x->ip));
}

// Without memory the old table stays: it is right for all that has not changed.
static void index_addresses(struct cp_names *n)
{
	struct address *table;
	unsigned total = 0;

	for (unsigned i = 0; i < n->count; i++)
		total += n->list[i]->answer.count;
	table = calloc(total + 1u, sizeof(*table));
	if (!table)
		return;
	total = 0;
	for (unsigned i = 0; i < n->count; i++)
		for (unsigned k = 0; k < n->list[i]->answer.count; k++) {
			table[total].addr = n->list[i]->answer.target[k].addr;
			table[total].addr.port = 0;
			table[total++].name = i;
		}
	qsort(table, total, sizeof(*table), compare);
	free(n->addresses);
	n->addresses = table;
	n->address_count = total;
}

static const struct cp_peer *peer_of(const struct cp_policy *policy, const char *name)
{
	for (unsigned i = 0; i < policy->cfg->peer_count; i++)
		if (strcmp(policy->cfg->peers[i].name, name) == 0)
			return cp_peers_at(policy->peers, i);
	return NULL;
}

const struct cp_peer *cp_names_owner(
	const struct cp_names *n, const struct cp_policy *policy, const struct sip_addr *addr)
{
	struct address key = {.addr = *addr};
	const struct address *found;

	if (!n->address_count)
		return NULL;
	found = bsearch(&key, n->addresses, n->address_count, sizeof(key), compare);
	return found ? peer_of(policy, n->list[found->name]->peer) : NULL;
}

// ---- answers

static bool same_hosts(const struct cp_resolve_answer *a, const struct cp_resolve_answer *b)
{
	if (a->count != b->count)
		return false;
	for (unsigned i = 0; i < a->count; i++) {
		unsigned k = 0;

		while (k < b->count && !sip_addr_same_host(&a->target[i].addr, &b->target[k].addr))
			k++;
		if (k == b->count)
			return false;
	}
	return true;
}

static void say(const struct name *name)
{
	char text[512] = "", host[SIP_ADDR_TEXT];
	size_t used = 0;

	for (unsigned i = 0; i < name->answer.count && used < sizeof(text); i++) {
		const struct cp_resolve_target *t = &name->answer.target[i];

		sip_addr_host(&t->addr, true, host);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s:%u",
			i ? ", " : "", sip_transport_name(t->transport), host, t->addr.port);
	}
	cp_log(CP_LOG_INFO, "dns", 0, "%s: %s is %s", name->peer, name->query.host, text);
}

static void on_answer(void *user, const struct cp_resolve_answer *answer)
{
	struct name *name = user;
	bool changed;

	name->pending = false;
	if (answer->error) {
		if (!name->failed)
			cp_log(CP_LOG_WARNING, "dns", 0, "%s: %s cannot be resolved: %s; %s",
				name->peer, name->query.host,
				answer->error == -ENOENT ? "no such name, or nothing of use there"
							 : strerror(-answer->error),
				name->answer.count ? "what is known is used on"
						   : "calls to it are refused until it can");
		name->failed = true;
		return;
	}
	changed = !same_hosts(&name->answer, answer);
	name->failed = false;
	name->answer = *answer;
	if (!changed)
		return;
	say(name);
	index_addresses(name->n);
}

static void ask(struct name *name)
{
	if (name->pending)
		return;
	name->pending = true; // the answer may come from inside
	if (cp_resolve(name->n->resolver, &name->query, on_answer, name))
		name->pending = false;
}

static void on_timer(uv_timer_t *timer)
{
	struct cp_names *n = timer->data;

	for (unsigned i = 0; i < n->count; i++)
		ask(n->list[i]);
}

unsigned cp_names_targets(struct cp_names *n, const struct cp_peer *peer,
	struct cp_resolve_target list[CP_RESOLVE_TARGETS])
{
	for (unsigned i = 0; i < n->count; i++) {
		struct name *name = n->list[i];

		if (strcmp(name->peer, peer->cfg->name) != 0 ||
			strcmp(name->query.host, peer->cfg->hosts[0].name) != 0)
			continue;
		ask(name); // what is kept comes at once, in another order
		memcpy(list, name->answer.target, sizeof(name->answer.target));
		return name->answer.count;
	}
	return 0;
}

const struct cp_resolver_counters *cp_names_counters(const struct cp_names *n)
{
	return cp_resolver_counters(n->resolver);
}

// ---- which names

static void fill_query(const struct cp_policy *policy, const struct cfg_peer *peer,
	const struct cfg_host *host, struct cp_resolve_query *q)
{
	memset(q, 0, sizeof(*q));
	snprintf(q->host, sizeof(q->host), "%s", host->name);
	q->port = host->port;
	q->transport = peer->transport_written ? (uint8_t)peer->transport : CP_RESOLVE_ANY;
	for (unsigned i = 0; i < policy->listener_count; i++) {
		const struct cp_listener *l = &policy->listeners[i];

		if (l->transport > SIP_TLS)
			continue;
		if (peer->transport_written && l->transport != peer->transport)
			continue;
		q->allowed |= (uint8_t)(1u << l->transport);
		q->ipv4 |= l->local.family == 4;
		q->ipv6 |= l->local.family == 6;
	}
}

static struct name *make(struct cp_names *n, const struct cp_policy *policy,
	const struct cfg_peer *peer, const struct cfg_host *host)
{
	struct name *name = calloc(1, sizeof(*name));

	if (!name)
		return NULL;
	name->n = n;
	snprintf(name->peer, sizeof(name->peer), "%s", peer->name);
	fill_query(policy, peer, host, &name->query);
	for (unsigned i = 0; i < n->count; i++)
		if (memcmp(&n->list[i]->query, &name->query, sizeof(name->query)) == 0)
			name->answer = n->list[i]->answer;
	return name;
}

static void drop(struct cp_names *n, struct name **list, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		cp_resolve_cancel(n->resolver, list[i]);
		free(list[i]);
	}
	free(list);
}

int cp_names_set(struct cp_names *n, const struct cp_policy *policy)
{
	const struct cfg *cfg = policy->cfg;
	struct name **list;
	unsigned total = 0, count = 0;

	for (unsigned i = 0; i < cfg->peer_count; i++)
		total += cfg->peers[i].host_count;
	list = calloc(total + 1u, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (unsigned i = 0; i < cfg->peer_count; i++)
		for (unsigned k = 0; k < cfg->peers[i].host_count; k++) {
			list[count] = make(n, policy, &cfg->peers[i], &cfg->peers[i].hosts[k]);
			if (!list[count]) {
				drop(n, list, count);
				return -ENOMEM;
			}
			count++;
		}
	drop(n, n->list, n->count);
	n->list = list;
	n->count = count;
	index_addresses(n);
	on_timer(&n->timer);
	return 0;
}

// ---- life

static void on_timer_closed(uv_handle_t *handle)
{
	free(handle->data);
}

int cp_names_new(struct cp_names **out, struct uv_loop_s *loop, const char *servers)
{
	struct cp_names *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	err = cp_resolver_new(&n->resolver, loop, servers[0] ? servers : NULL);
	if (err) {
		free(n);
		return err;
	}
	n->timer.data = n;
	uv_timer_init(loop, &n->timer);
	uv_timer_start(&n->timer, on_timer, REFRESH_MS, REFRESH_MS);
	uv_unref((uv_handle_t *)&n->timer);
	*out = n;
	return 0;
}

void cp_names_free(struct cp_names *n)
{
	if (!n)
		return;
	cp_resolver_free(n->resolver);
	for (unsigned i = 0; i < n->count; i++)
		free(n->list[i]);
	free(n->list);
	free(n->addresses);
	n->list = NULL;
	n->count = 0;
	uv_close((uv_handle_t *)&n->timer, on_timer_closed);
}
