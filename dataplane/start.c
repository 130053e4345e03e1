// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/start.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rte_launch.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "dataplane/abi/hello.h"
#include "dataplane/agent/agent.h"
#include "dataplane/agent/counters.h"
#include "dataplane/beside.h"
#include "dataplane/config.h"
#include "dataplane/dedicated.h"
#include "dataplane/eal.h"
#include "dataplane/log.h"
#include "dataplane/nic/steer.h"
#include "dataplane/privilege.h"
#include "dataplane/reload.h"

#define CACHE       256 // mbufs a core keeps at hand
#define SECOND_US   1000000ull
#define SOCKET      "media.sock"
#define MAX_SUMMARY 512

struct dataplane {
	const struct cfg *cfg;
	struct dp_reload reload;
	int listener, bell;
	char socket[sizeof(((struct cfg *)0)->run) + sizeof(SOCKET) + 1];
	bool eal, hugepages, drop;
	enum dp_poll poll;
	struct privilege_user user;
	struct neighbour *neighbour;
	struct rte_mempool *pool;
	struct port *ports;
	unsigned port_count; // opened
	struct abi_endpoint *endpoints;
	unsigned endpoint_count;
	struct steer steer;
	struct steer_result *steered; // by port
	struct region region;
	struct dp_table *table;
	struct dp_ports *local_ports;
	struct dp_adjacencies *adjacencies;
	struct hops *hops;
	struct outbox *outbox;
	struct dp_worker *workers[ABI_MAX_WORKERS];
	unsigned worker_count, launched;
	struct sessions *sessions;
	struct agent *agent;
	struct beside beside;
	abi_atomic32 asleep ABI_LINE; // the agent
	char summary[MAX_SUMMARY];
};

static int no_memory(char why[START_WHY])
{
	snprintf(why, START_WHY, "out of memory");
	return -ENOMEM;
}

// ---- the socket -----------------------------------------------------------------------------------

static int make_directory(const struct dataplane *d, char why[START_WHY])
{
	const char *run = d->cfg->run;
	int err = mkdir(run, 0755) < 0 && errno != EEXIST ? -errno : 0;

	if (err)
		snprintf(why, START_WHY, "run: cannot make the directory %s: %s", run,
			strerror(-err));
	else if (d->drop && chown(run, d->user.uid, d->user.gid) < 0)
		dp_log(DP_WARNING, "start", "cannot give %s to the configured user: %s", run,
			strerror(errno));
	return err;
}

static int open_socket(struct dataplane *d, char why[START_WHY])
{
	int err = 0;

	if (d->cfg->user[0]) {
		err = privilege_find(d->cfg->user, &d->user, why);
		d->drop = !err;
	}
	if (!err)
		err = make_directory(d, why);
	if (err)
		return err;
	snprintf(d->socket, sizeof(d->socket), "%s/%s", d->cfg->run, SOCKET);
	d->listener = abi_listen(d->socket, 0660);
	if (d->listener == -EADDRINUSE)
		snprintf(why, START_WHY,
			"another hawse-media serves %s; stop it, or set run: to "
			"another directory",
			d->socket);
	else if (d->listener < 0)
		snprintf(why, START_WHY, "run: cannot listen at %s: %s", d->socket,
			strerror(-d->listener));
	if (d->listener >= 0 && d->drop && chown(d->socket, d->user.uid, d->user.gid) < 0)
		dp_log(DP_WARNING, "start", "cannot give %s to user %s: %s", d->socket,
			d->cfg->user, strerror(errno));
	return d->listener < 0 ? d->listener : 0;
}

static void close_socket(struct dataplane *d)
{
	if (d->listener < 0)
		return;
	close(d->listener);
	unlink(d->socket);
	d->listener = -1;
}

// ---- devices --------------------------------------------------------------------------------------

// The kernel must hold the addresses of a Linux interface, or nobody would answer ARP for them; of a
// TAP it must not, or it would never send to them by wire.
static int check_addresses(struct dataplane *d, const struct port *port, char why[START_WHY])
{
	const struct cfg_media *media = port->media;

	for (unsigned i = 0; i < media->address_count && port->kind < NIC_OWNED; i++) {
		const struct cfg_address *address = &media->addresses[i];
		bool owned =
			neighbour_owns(d->neighbour, port->ifindex, address->family, address->ip);
		char text[INET6_ADDRSTRLEN] = "";

		inet_ntop(
			address->family == 4 ? AF_INET : AF_INET6, address->ip, text, sizeof(text));
		if (owned == (port->kind == NIC_LINUX))
			continue;
		if (owned)
			snprintf(why, START_WHY,
				"media.%s: %s is the kernel's own address on %s; "
				"media behind a TAP needs another one of its network",
				media->name, text, port->interface);
		else
			snprintf(why, START_WHY,
				"media.%s: %s has no address %s; add it with: ip "
				"address add %s/%d dev %s",
				media->name, port->interface, text, text,
				address->family == 4 ? 24 : 64, port->interface);
		return -EADDRNOTAVAIL;
	}
	return 0;
}

// The kernel cannot ask a TAP's other end for our addresses: that is us, and we do not speak ARP.
static void pin_addresses(struct dataplane *d, const struct port *port)
{
	for (unsigned i = 0; i < port->media->address_count; i++)
		neighbour_pin(d->neighbour, port->ifindex, port->media->addresses[i].family,
			port->media->addresses[i].ip, port->mac);
}

// The operator gives the kernel's side of a card its addresses; he may do so now or later.
static void hint_addresses(struct dataplane *d, const struct port *port)
{
	for (unsigned i = 0; i < port->media->address_count; i++) {
		const struct cfg_address *address = &port->media->addresses[i];
		char text[INET6_ADDRSTRLEN] = "";

		if (neighbour_owns(d->neighbour, port->ifindex, address->family, address->ip))
			continue;
		inet_ntop(
			address->family == 4 ? AF_INET : AF_INET6, address->ip, text, sizeof(text));
		dp_log(DP_INFO, "nic",
			"media.%s: the kernel's side of %s is %s; give it the address: ip address "
			"add "
			"%s/%d dev %s && ip link set %s up",
			port->media->name, port->media->device, port->interface, text,
			address->family == 4 ? 24 : 64, port->interface, port->interface);
	}
}

static int open_port(struct dataplane *d, unsigned i, char why[START_WHY])
{
	static const char *const kinds[] = {[NIC_LINUX] = "AF_XDP",
		[NIC_TAP] = "a TAP",
		[NIC_OWNED] = "DPDK",
		[NIC_OTHER] = "DPDK"};
	struct port *port = &d->ports[i];
	int err = port_open(port, &d->cfg->media[i], d->cfg->dataplane.workers, d->pool, why);

	if (err)
		return err;
	d->port_count++;
	err = check_addresses(d, port, why);
	if (err)
		return err;
	if (port->kind == NIC_TAP)
		pin_addresses(d, port);
	if (port->kind == NIC_OWNED)
		hint_addresses(d, port);
	if (port->stale_program)
		dp_log(DP_INFO, "nic", "media.%s: took off the XDP program that a crash left on %s",
			port->media->name, port->interface);
	dp_log(DP_INFO, "nic",
		"media.%s: %s by %s, %u queue%s, MTU %u, MAC %02x:%02x:%02x:%02x:%02x:%02x",
		port->media->name, port->media->device, kinds[port->kind], port->queues,
		port->queues == 1 ? "" : "s", port->mtu, port->mac[0], port->mac[1], port->mac[2],
		port->mac[3], port->mac[4], port->mac[5]);
	return 0;
}

static int open_devices(struct dataplane *d, unsigned buffers, char why[START_WHY])
{
	int err = neighbour_open(&d->neighbour);

	if (err) {
		snprintf(why, START_WHY, "cannot read links and routes by netlink: %s",
			strerror(-err));
		return err;
	}
	d->ports = calloc(d->cfg->media_count, sizeof(*d->ports));
	if (!d->ports)
		return no_memory(why);
	d->pool = rte_pktmbuf_pool_create(
		"packets", buffers, CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, (int)rte_socket_id());
	if (!d->pool || d->pool->nb_mem_chunks != 1) {
		snprintf(why, START_WHY,
			d->hugepages ? "others have taken the hugepages for %u packet buffers meanwhile"
				     : "no memory for %u packet buffers in one piece; raise "
				       "dataplane.memory or free hugepages",
			buffers);
		return d->hugepages ? -EAGAIN : -ENOMEM;
	}
	for (unsigned i = 0; i < d->cfg->media_count && !err; i++)
		err = open_port(d, i, why);
	return err;
}

// ---- tables and workers ---------------------------------------------------------------------------

// Where a program in front of the workers drops what comes to closed ports, it reads the table's bits.
static void share_open_ports(struct dataplane *d)
{
	unsigned address = 0;

	for (unsigned e = 0; e < d->endpoint_count; e++) {
		unsigned interface = d->endpoints[e].interface_index;
		uint64_t *bits;

		if (e && interface != d->endpoints[e - 1].interface_index)
			address = 0;
		bits = port_open_bits(&d->ports[interface], address++);
		if (bits)
			dp_table_share(d->table, e, bits);
	}
}

static int make_tables(struct dataplane *d, char why[START_WHY])
{
	uint32_t sessions = d->cfg->dataplane.sessions;
	int err;

	steer_choose(&d->steer, d->ports, d->port_count, d->cfg->dataplane.workers);
	err = region_create(&d->region, sessions, d->steer.workers, d->beside.count,
		d->endpoints, d->endpoint_count, dp_counters, DP_COUNTERS);
	if (!err)
		err = dp_table_create(&d->table, d->endpoints, d->endpoint_count, d->hugepages);
	if (!err)
		err = dp_ports_create(&d->local_ports, d->endpoints, d->endpoint_count,
			&d->steer.map, d->cfg->dataplane.quarantine * SECOND_US);
	if (err) {
		snprintf(why, START_WHY,
			"cannot make the tables for %u sessions and %u addresses: "
			"%s",
			sessions, d->endpoint_count, strerror(-err));
		return err;
	}
	if (d->hugepages && !d->table->huge)
		dp_log(DP_WARNING, "start",
			"too few hugepages for the legs of %u addresses: some lie on ordinary "
			"pages, "
			"which costs speed with many sessions; raise vm.nr_hugepages",
			d->endpoint_count);
	share_open_ports(d);
	d->adjacencies = dp_adjacencies_create();
	d->outbox = outbox_new();
	return d->adjacencies && d->outbox ? 0 : no_memory(why);
}

static int make_worker(struct dataplane *d, unsigned index)
{
	struct dp_worker_config config = {
		.index = index,
		.workers = d->steer.workers,
		.poll = d->poll,
		.sessions = d->cfg->dataplane.sessions,
		.table = d->table,
		.adjacencies = d->adjacencies,
		.steering = d->steer.workers > 1 ? &d->steer.map : NULL,
		.leg_slots = d->region.legs,
		.resumes = d->region.resumes,
		.pool = d->pool,
		.counters = region_worker_counters(&d->region, index),
		.agent_bell = d->bell,
		.agent_sleeping = &d->asleep,
	};
	int err = steer_worker(d->ports, d->port_count, d->steer.workers, index, &config);

	beside_worker(&d->beside, index, &config);
	if (!err)
		err = dp_worker_create(&d->workers[index], &config);
	if (!err)
		d->worker_count++;
	return err;
}

static int make_workers(struct dataplane *d, char why[START_WHY])
{
	int err = 0;

	d->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (d->bell < 0)
		err = -errno;
	if (!err && beside_rings(&d->beside, d->cfg, d->steer.workers, why))
		return -ENOMEM;
	for (unsigned i = 0; i < d->steer.workers && !err; i++)
		err = make_worker(d, i);
	if (!err)
		err = dp_workers_join(d->workers, d->worker_count);
	if (err)
		snprintf(why, START_WHY, "cannot make worker %u: %s", d->worker_count,
			strerror(-err));
	return err;
}

// ---- how packets reach their worker ---------------------------------------------------------------

static void say_steered(const struct port *port, const struct steer_result *r)
{
	static const char *const proofs[] = {
		[STEER_UNPROVED] = "not proved: no probe packet came back, traffic will tell",
		[STEER_PROVED] = "proved",
		[STEER_REFUTED] = "which does not work",
	};

	dp_log(r->proof == STEER_REFUTED ? DP_WARNING : DP_INFO, "nic",
		"media.%s: steering by %s, %s%s%s%s", port->media->name,
		steer_method_name(r->method), proofs[r->proof], r->says[0] ? " (" : "", r->says,
		r->says[0] ? ")" : "");
}

// Packets for closed ports are dropped from now on; none is open yet.
static int settle_devices(struct dataplane *d, char why[START_WHY])
{
	int err = 0;

	d->steered = calloc(d->port_count, sizeof(*d->steered));
	if (!d->steered)
		return no_memory(why);
	if (d->steer.says[0])
		dp_log(DP_WARNING, "nic", "%s", d->steer.says);
	for (unsigned i = 0; i < d->port_count && !err; i++) {
		struct steer_result *r = &d->steered[i];

		err = port_admit(&d->ports[i], why);
		if (err)
			break;
		steer_settle(&d->steer, &d->ports[i], d->pool, r);
		say_steered(&d->ports[i], r);
		region_gauge(&d->region, AGENT_STEERING + r->method,
			abi_load64(&d->region.mine[AGENT_STEERING + r->method]) + 1);
		region_gauge(&d->region, AGENT_STEERING_PROVED,
			abi_load64(&d->region.mine[AGENT_STEERING_PROVED]) +
				(r->proof == STEER_PROVED));
	}
	return err;
}

static unsigned count_unproved(const struct dataplane *d)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->port_count; i++)
		n += d->steered[i].proof == STEER_UNPROVED &&
		     (d->steered[i].method == STEER_FLOW || d->steered[i].method == STEER_RSS);
	return n;
}

static const char *steering_of(const struct dataplane *d)
{
	for (unsigned i = 1; i < d->port_count; i++)
		if (d->steered[i].method != d->steered[0].method)
			return "several ways of steering";
	return steer_method_name(d->steered[0].method);
}

static int make_agent(struct dataplane *d, char why[START_WHY])
{
	struct hops_config hops = {
		.table = d->adjacencies,
		.neighbour = d->neighbour,
		.ports = d->ports,
		.port_count = d->port_count,
	};
	int err = hops_new(&d->hops, &hops);

	if (!err) {
		struct sessions_config sessions = {
			.region = &d->region,
			.outbox = d->outbox,
			.hops = d->hops,
			.table = d->table,
			.ports = d->local_ports,
			.workers = d->workers,
			.worker_count = d->worker_count,
			.transcoders = d->beside.transcoders,
			.prompts = d->beside.prompts,
			.recorder = d->beside.recorder,
			.count = d->cfg->dataplane.sessions,
			.rest_us = d->cfg->dataplane.quarantine * SECOND_US,
			.grace_us = d->cfg->dataplane.grace * SECOND_US,
		};

		err = sessions_new(&d->sessions, &sessions);
	}
	if (!err) {
		struct agent_config agent = {
			.listener = d->listener,
			.user = d->drop ? d->user.uid : (uid_t)-1,
			.region = &d->region,
			.outbox = d->outbox,
			.sessions = d->sessions,
			.hops = d->hops,
			.neighbour = d->neighbour,
			.ports = d->ports,
			.port_count = d->port_count,
			.worker_bell = d->bell,
			.asleep = &d->asleep,
			.sessions_capacity = d->cfg->dataplane.sessions,
			.endpoint_count = d->endpoint_count,
			.workers = d->worker_count,
			.unproved = count_unproved(d),
			.hangup = dp_reload,
			.hangup_ctx = &d->reload,
		};

		d->reload = (struct dp_reload){
			.cfg = d->cfg,
			.sessions = d->sessions,
			.ports = d->local_ports,
			.beside = &d->beside,
			.region = &d->region};
		neighbour_tell(d->neighbour, hops_neighbour, d->hops);
		err = agent_new(&d->agent, &agent);
	}
	if (err)
		snprintf(why, START_WHY, "cannot start the agent: %s", strerror(-err));
	return err;
}

static int launch(struct dataplane *d, char why[START_WHY])
{
	int err = 0;

	for (unsigned i = 0; i < d->worker_count && !err; i++) {
		err = rte_eal_remote_launch(dp_worker_run, d->workers[i], dp_eal_lcore(i));
		if (!err)
			d->launched++;
		else
			snprintf(why, START_WHY, "cannot launch worker %u: %s", i, strerror(-err));
	}
	return err;
}

static void sum_up(struct dataplane *d)
{
	snprintf(d->summary, sizeof(d->summary),
		"ready: %u worker%s (%s, %s), %u address%s, %u sessions, %s, socket %s",
		d->worker_count, d->worker_count == 1 ? "" : "s", steering_of(d),
		d->poll == DP_POLL_BUSY ? "busy" : "adaptive", d->endpoint_count,
		d->endpoint_count == 1 ? "" : "es", d->cfg->dataplane.sessions,
		d->hugepages ? "hugepages" : "ordinary pages", d->socket);
}

// Before EAL pins this thread.
static void choose_threads(struct dataplane *d)
{
	const struct cfg_dataplane *c = &d->cfg->dataplane;
	char why[64];
	cpu_set_t may;
	bool busy;

	CPU_ZERO(&may);
	sched_getaffinity(0, sizeof(may), &may);
	beside_choose(&d->beside, d->cfg, &may);
	if (c->poll != CFG_POLL_AUTO) {
		d->poll = c->poll == CFG_POLL_BUSY ? DP_POLL_BUSY : DP_POLL_ADAPTIVE;
		return;
	}
	busy = dp_dedicated(c, &may, DP_CPUS, why, sizeof(why));
	d->poll = busy ? DP_POLL_BUSY : DP_POLL_ADAPTIVE;
	dp_log(DP_INFO, "worker", "poll: %s, because %s; dataplane.poll says otherwise",
		busy ? "busy" : "adaptive", why);
}

static int start(struct dataplane *d, const char *program, char why[START_WHY])
{
	unsigned buffers;
	size_t needed = dp_config_memory(d->cfg, &buffers);
	int err = dp_config_endpoints(d->cfg, &d->endpoints, &d->endpoint_count, why);

	choose_threads(d);
	if (!err)
		err = open_socket(d, why); // unless another one serves it
	close_socket(d);
	if (!err)
		err = dp_eal_start(d->cfg, program, needed, &d->hugepages, why);
	if (err)
		return err;
	d->eal = true;
	err = open_devices(d, buffers, why);
	if (!err)
		err = make_tables(d, why);
	if (!err)
		err = make_workers(d, why);
	if (!err)
		err = settle_devices(d, why);
	if (!err)
		err = beside_start(&d->beside, d->cfg, d->workers, &d->region, d->bell, &d->asleep,
			why);
	// Nobody shall stand at a door that nobody opens: a control plane that waits tries again at once.
	if (!err)
		err = open_socket(d, why);
	if (!err)
		err = make_agent(d, why);
	if (!err)
		err = launch(d, why);
	if (!err && d->drop)
		err = privilege_drop(&d->user, why);
	if (!err)
		err = beside_check(&d->beside, d->cfg, why);
	return err;
}

int dataplane_start(
	struct dataplane **out, const struct cfg *cfg, const char *program, char why[START_WHY])
{
	struct dataplane *d = aligned_alloc(64, (sizeof(*d) + 63) / 64 * 64);
	int err;

	*out = NULL;
	if (!d)
		return no_memory(why);
	memset(d, 0, sizeof(*d));
	d->cfg = cfg;
	d->listener = d->bell = -1;
	d->region.shm.fd = -1;
	err = start(d, program, why);
	if (err) {
		dataplane_stop(d);
		return err;
	}
	sum_up(d);
	*out = d;
	return 0;
}

const char *dataplane_summary(const struct dataplane *d)
{
	return d->summary;
}

int dataplane_run(struct dataplane *d)
{
	return agent_run(d->agent);
}

static void stop_workers(struct dataplane *d)
{
	for (unsigned i = 0; i < d->launched; i++)
		dp_worker_stop(d->workers[i]);
	for (unsigned i = 0; i < d->launched; i++)
		rte_eal_wait_lcore(dp_eal_lcore(i));
}

void dataplane_stop(struct dataplane *d)
{
	if (!d)
		return;
	agent_free(d->agent);
	close_socket(d);
	stop_workers(d);
	sessions_free(d->sessions);
	beside_stop(&d->beside);
	beside_free(&d->beside);
	for (unsigned i = 0; i < d->worker_count; i++)
		dp_worker_free(d->workers[i]);
	for (unsigned i = 0; i < d->port_count; i++)
		port_close(&d->ports[i]);
	hops_free(d->hops);
	outbox_free(d->outbox);
	neighbour_close(d->neighbour);
	dp_adjacencies_free(d->adjacencies);
	dp_ports_free(d->local_ports);
	dp_table_free(d->table);
	region_close(&d->region);
	if (d->pool)
		rte_mempool_free(d->pool);
	if (d->eal)
		dp_eal_stop();
	if (d->bell >= 0)
		close(d->bell);
	free(d->steered);
	dp_reload_free(&d->reload);
	free(d->ports);
	free(d->endpoints);
	free(d);
}
