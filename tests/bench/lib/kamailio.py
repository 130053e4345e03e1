# SPDX-License-Identifier: BSD-3-Clause
"""Kamailio as Debian ships it, that relays calls in a transaction each and lets rtpengine anchor their media."""

# No dialogs, no accounting, no database, no log: what such a proxy needs, and no more.
CONFIG = """\
debug=0
log_stderror=yes
children={children}
auto_aliases=no
tcp_children=1
disable_tcp=yes
listen=udp:{address}:5060
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "rtpengine.so"
modparam("rtpengine", "rtpengine_sock", "udp:127.0.0.1:{ng}")
request_route {{
	if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
	if (is_method("CANCEL")) {{
		if (t_check_trans()) {{ rtpengine_delete(); t_relay(); }}
		exit;
	}}
	if (has_totag()) {{
		if (!loose_route()) {{ if (is_method("ACK") && t_check_trans()) {{ t_relay(); }} exit; }}
		if (is_method("BYE")) {{ rtpengine_delete(); }}
		t_relay();
		exit;
	}}
	if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
	t_check_trans();
	record_route();
	$du = "sip:{callee}:5060";
	rtpengine_offer("replace-origin replace-session-connection ICE=remove RTP/AVP");
	t_on_reply("MEDIA");
	t_relay();
}}
onreply_route[MEDIA] {{
	if (has_body("application/sdp")) {{
		rtpengine_answer("replace-origin replace-session-connection ICE=remove RTP/AVP");
	}}
}}
"""


def start(run, namespace, address, callee, core, children=4, ng=2223):
    """The main process; `pids()` of it names all that work for it."""
    directory = run.path("kamailio")
    directory.mkdir(exist_ok=True)
    config = run.path("kamailio.cfg")
    config.write_text(CONFIG.format(address=address, callee=callee, children=children, ng=ng))
    process = run.start("kamailio", ["kamailio", "-DD", "-E", "-f", config, "-Y", directory, "-w", directory, "-m", "128",
                                     "-M", "8"], namespace=namespace, core=core, nice=0)
    return process
