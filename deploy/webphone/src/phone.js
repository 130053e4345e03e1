// SPDX-License-Identifier: BSD-3-Clause
// The account and its one call, over JsSIP. The page hears of everything by two events: 'line' (the state
// of the account changed) and 'call' (the call changed; null: there is none).
import JsSIP from 'jssip';

const CONNECTION = { iceServers: [], rtcpMuxPolicy: 'require', bundlePolicy: 'balanced' }; // who does not bundle has video too
const GATHER = 400; // ms: candidates of this machine are enough, the server is reachable by itself

const caller = (session) => session.remote_identity.display_name || session.remote_identity.uri.user || 'Unknown';

export class Phone extends EventTarget {
	constructor(remote, picture) {
		super();
		this.remote = remote; // the <audio> element
		this.picture = picture; // the <video> element
		this.video = false; // the camera is used
		this.ua = null;
		this.call = null;
		this.line = { state: 'offline' };
		this.microphone = '';
	}

	// {server, user, domain, password, name}. Throws when it is not an account.
	signIn(account) {
		this.signOut();
		const socket = new JsSIP.WebSocketInterface(account.server);
		const ua = new JsSIP.UA({
			sockets: [socket],
			uri: `sip:${account.user}@${account.domain}`,
			password: account.password || undefined,
			display_name: account.name || undefined,
			register: account.register !== false,
			session_timers: true,
			user_agent: 'Hawse web phone',
			connection_recovery_min_interval: 1,
			connection_recovery_max_interval: 15,
		});

		this.account = account;
		this.ua = ua;
		ua.on('connecting', () => this.setLine('connecting'));
		ua.on('connected', () => this.setLine(account.register === false ? 'ready' : 'registering'));
		ua.on('disconnected', () => this.ua === ua && this.setLine('lost'));
		ua.on('registered', () => this.setLine('ready'));
		ua.on('unregistered', () => this.ua === ua && this.setLine('offline'));
		ua.on('registrationFailed', (e) =>
			this.setLine('refused', { status: e.response && e.response.status_code, cause: e.cause }));
		ua.on('newRTCSession', (e) => e.originator === 'remote' && this.incoming(e.session));
		ua.start();
	}

	signOut() {
		const ua = this.ua;

		this.ua = null;
		if (ua)
			ua.stop();
		this.setLine('offline');
	}

	setLine(state, error = null) {
		this.line = { state, error };
		this.dispatchEvent(new Event('line'));
	}

	changed() {
		this.dispatchEvent(new Event('call'));
	}

	media() {
		return {
			audio: this.microphone ? { deviceId: { exact: this.microphone } } : true,
			video: this.video ? { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 15 } } : false,
		};
	}

	dial(number) {
		const to = number.includes('@') || number.startsWith('sip:') ? number : number.replace(/[\s().\-/]/g, '');

		if (this.call || !this.ua)
			return;
		const session = this.ua.call(to, {
			mediaConstraints: this.media(),
			pcConfig: CONNECTION,
			extraHeaders: [],
		});
		this.adopt(session, number, 'out');
	}

	incoming(session) {
		if (this.call) {
			session.terminate({ status_code: 486 });
			return;
		}
		this.adopt(session, caller(session), 'in');
	}

	adopt(session, who, direction) {
		const call = { session, who, direction, state: direction === 'in' ? 'incoming' : 'calling', muted: false, held: false, heldThere: false, since: 0, began: Date.now() };

		this.call = call;
		if (session.connection)
			this.connect(call, session.connection);
		session.on('peerconnection', (e) => this.connect(call, e.peerconnection));
		session.on('icecandidate', (e) => {
			clearTimeout(call.gather);
			call.gather = setTimeout(() => e.ready(), GATHER);
		});
		session.on('progress', (e) => {
			if (call.direction === 'out')
				this.to(call, 'ringing', { early: Boolean(e.response && e.response.body) });
		});
		session.on('accepted', () => this.up(call));
		session.on('confirmed', () => this.up(call));
		session.on('muted', () => this.note(call, { muted: true }));
		session.on('unmuted', () => this.note(call, { muted: false }));
		session.on('hold', (e) => this.note(call, e.originator === 'local' ? { held: true } : { heldThere: true }));
		session.on('unhold', (e) => this.note(call, e.originator === 'local' ? { held: false } : { heldThere: false }));
		session.on('getusermediafailed', (e) => (call.media = e && e.name));
		session.on('failed', (e) => this.over(call, e));
		session.on('ended', (e) => this.over(call, e));
		this.changed();
	}

	connect(call, connection) {
		connection.addEventListener('track', (e) => {
			const element = e.track.kind === 'video' ? this.picture : this.remote;

			element.srcObject = new MediaStream([e.track]);
			element.play().catch(() => {});
			if (element === this.picture)
				e.track.addEventListener('unmute', () => this.note(call, { picture: true }));
		});
	}

	note(call, what) {
		Object.assign(call, what);
		this.changed();
	}

	to(call, state, what = {}) {
		this.note(call, { state, ...what });
	}

	up(call) {
		if (call.state === 'up')
			return;
		this.to(call, 'up', { since: Date.now() });
	}

	over(call, e) {
		const status = e.message && e.message.status_code;

		clearTimeout(call.gather);
		if (this.call === call)
			this.call = null;
		call.error = e.originator === 'local' && e.cause === 'Canceled' ? null
			: call.state === 'up' ? (['Terminated', 'Canceled'].includes(e.cause) ? null : { status, cause: e.cause })
			: call.direction === 'in' ? null
			: { status, cause: e.cause, media: call.media, reason: e.message && e.message.reason_phrase };
		call.answered = call.state === 'up';
		call.state = 'over';
		this.last = call;
		this.remote.srcObject = null;
		this.picture.srcObject = null;
		this.changed();
	}

	answer() {
		if (this.call && this.call.state === 'incoming')
			this.call.session.answer({ mediaConstraints: this.media(), pcConfig: CONNECTION });
	}

	hangUp() {
		const call = this.call;

		if (!call)
			return;
		try {
			call.session.terminate(call.state === 'incoming' ? { status_code: 603 } : {});
		} catch (e) {
			this.over(call, { originator: 'local', cause: 'Canceled' });
		}
	}

	toggleMute() {
		if (this.call && this.call.state === 'up')
			this.call.muted ? this.call.session.unmute({ audio: true }) : this.call.session.mute({ audio: true });
	}

	toggleHold() {
		if (this.call && this.call.state === 'up')
			this.call.held ? this.call.session.unhold() : this.call.session.hold();
	}

	// As events in the media, or by INFO where the answer has none.
	tone(key) {
		const session = this.call && this.call.state === 'up' && this.call.session;
		const events = session && session.connection.getSenders().some((s) => s.dtmf && s.dtmf.canInsertDTMF);

		if (session)
			session.sendDTMF(key, { transportType: events ? 'RFC2833' : 'INFO', duration: 120, interToneGap: 80 });
	}
}
