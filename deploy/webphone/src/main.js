// SPDX-License-Identifier: BSD-3-Clause
// The page: what is shown, and what the hands do.
import { Phone } from './phone.js';
import { Quality, bars, word } from './quality.js';
import { explain } from './errors.js';
import * as store from './store.js';
import * as tones from './tones.js';

const $ = (id) => document.getElementById(id);
const KEYS = [['1', ''], ['2', 'ABC'], ['3', 'DEF'], ['4', 'GHI'], ['5', 'JKL'], ['6', 'MNO'], ['7', 'PQRS'], ['8', 'TUV'], ['9', 'WXYZ'], ['*', ''], ['0', '+'], ['#', '']];
const LINES = {
	offline: 'Signed out', connecting: 'Connecting…', registering: 'Signing in…', ready: 'Ready',
	lost: 'No connection, trying again…', refused: 'Sign-in refused',
};
const STATES = { incoming: 'is calling', calling: 'Calling…', ringing: 'Ringing…', up: 'Connected' };
const MEASURE = 2000; // ms

const phone = new Phone($('remote'), $('picture'));
let shown = null; // the call that is on the screen
let quality = null;

// ---- words

function alertUser({ title, text }) {
	$('alert-title').textContent = title;
	$('alert-text').textContent = text;
	$('alert').hidden = false;
}

const clock = (ms) => {
	const s = Math.max(0, Math.floor(ms / 1000));
	const two = (n) => String(n).padStart(2, '0');

	return s >= 3600 ? `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${two(Math.floor(s / 60))}:${two(s % 60)}`;
};

const initials = (who) => (/^[+\d*#]/.test(who) ? '☎' : who.split(/\s+/).map((w) => w[0]).join('').slice(0, 2).toUpperCase());

// ---- keypads

function keypad(into, press) {
	for (const [digit, letters] of KEYS) {
		const b = document.createElement('button');

		b.type = 'button';
		b.dataset.key = digit;
		b.setAttribute('aria-label', digit === '*' ? 'star' : digit === '#' ? 'hash' : digit);
		b.append(Object.assign(document.createElement('b'), { textContent: digit }));
		b.append(Object.assign(document.createElement('small'), { textContent: letters }));
		b.addEventListener('click', () => press(digit));
		into.append(b);
	}
	// A long press of 0 is a plus, as on every phone.
	const zero = into.querySelector('[data-key="0"]');
	let timer = 0;
	zero.addEventListener('pointerdown', () => (timer = setTimeout(() => ((zero.dataset.long = '1'), press('+')), 600)));
	for (const e of ['pointerup', 'pointerleave'])
		zero.addEventListener(e, () => clearTimeout(timer));
	zero.addEventListener('click', (e) => {
		if (zero.dataset.long) {
			delete zero.dataset.long;
			e.stopImmediatePropagation();
		}
	}, { capture: true });
}

function typeDigit(digit) {
	const input = $('number');
	const at = input.selectionStart ?? input.value.length;

	tones.key(digit);
	input.setRangeText(digit, at, input.selectionEnd ?? at, 'end');
	dialable();
}

function sendTone(digit) {
	if (digit === '+' || !phone.call || phone.call.state !== 'up')
		return;
	tones.key(digit);
	phone.tone(digit);
	$('sent').textContent = ($('sent').textContent + digit).slice(-24);
}

function dialable() {
	$('call').disabled = phone.line.state !== 'ready' || !$('number').value.trim();
	$('erase').hidden = !$('number').value;
}

// ---- the line

function showLine() {
	const { state, error } = phone.line;

	$('line').dataset.state = state;
	$('line-text').textContent = state === 'ready' && phone.account ? `Ready · ${phone.account.user}` : LINES[state];
	dialable();
	if (state === 'refused')
		alertUser(explain(error));
}

// ---- the call

function ringTones(call) {
	if (call && call.state === 'incoming')
		tones.play('ring');
	else if (call && call.state === 'ringing' && !call.early)
		tones.play('ringback');
	else
		tones.stop();
}

function began(call) {
	shown = call;
	quality = null;
	$('sent').textContent = '';
	$('tones').hidden = true;
	$('pad').setAttribute('aria-expanded', 'false');
	$('figure-list').replaceChildren();
	for (const id of ['hear', 'heard'])
		showMeter(id, null);
	$('alert').hidden = true;
}

function ended() {
	const call = shown;

	shown = null;
	quality = null;
	document.title = 'Hawse phone';
	if (!call)
		return;
	store.keepCall({ who: call.who, direction: call.direction, answered: call.answered, at: call.began, seconds: call.answered ? Math.round((Date.now() - call.since) / 1000) : 0 });
	showRecent();
	if (call.error) {
		alertUser(explain(call.error));
		if ([486, 600].includes(call.error.status))
			tones.play('busy');
	}
	$('number').focus();
}

function stateText(call) {
	if (call.state !== 'up')
		return STATES[call.state];
	if (call.held)
		return call.heldThere ? 'On hold at both ends' : 'On hold';
	return call.heldThere ? 'The other side holds the call' : call.muted ? 'Connected, your microphone is off' : STATES.up;
}

function showCall() {
	const call = phone.call;
	const fresh = call && call !== shown;

	ringTones(call);
	if (fresh)
		began(call);
	else if (!call)
		ended();
	$('dialler').hidden = Boolean(call);
	$('active').hidden = !call;
	if (!call)
		return;
	$('who').textContent = call.who;
	$('avatar').textContent = initials(call.who);
	$('state').textContent = stateText(call);
	$('active').dataset.state = call.state;
	$('ringing').hidden = call.state !== 'incoming';
	$('hang-up').hidden = call.state === 'incoming';
	$('controls').hidden = call.state !== 'up';
	$('picture').hidden = !call.picture;
	$('avatar').hidden = Boolean(call.picture);
	for (const [id, on] of [['mute', call.muted], ['hold', call.held]])
		$(id).setAttribute('aria-pressed', String(on));
	if (fresh)
		(call.state === 'incoming' ? $('answer') : $('hang-up')).focus();
	document.title = `${call.who} · ${stateText(call)}`;
}

// ---- time and quality

function showMeter(id, q) {
	const meter = $(id);
	const n = q ? bars(q.score) : 0;
	const says = q ? word(q.score) : 'Measuring';

	meter.dataset.bars = n;
	meter.querySelector('.word').textContent = says;
	meter.querySelector('.bars').setAttribute('aria-label', q ? `${n} of 4` : 'not measured yet');
	meter.title = q ? `MOS ${q.score.toFixed(1)}, loss ${(100 * q.loss).toFixed(1)} %, jitter ${Math.round(1000 * q.jitter)} ms` : '';
}

async function measure() {
	const call = phone.call;

	if (!call || call.state !== 'up' || !call.session.connection)
		return;
	quality = quality || new Quality(call.session.connection);
	const q = await quality.sample();
	if (phone.call !== call)
		return;
	showMeter('hear', q.hear);
	showMeter('heard', q.heard);
	$('figure-list').replaceChildren(...Object.entries(q.figures).flatMap(([k, v]) => [
		Object.assign(document.createElement('dt'), { textContent: k }),
		Object.assign(document.createElement('dd'), { textContent: v }),
	]));
}

setInterval(() => {
	const call = phone.call;

	$('timer').textContent = call && call.state === 'up' ? clock(Date.now() - call.since) : '';
}, 250);
setInterval(() => measure().catch(() => {}), MEASURE);

// ---- calls of late

function showRecent() {
	const list = store.recent();

	$('recent-empty').hidden = list.length > 0;
	$('clear').hidden = list.length === 0;
	$('recent').replaceChildren(...list.map((c) => {
		const li = document.createElement('li');
		const b = document.createElement('button');
		const kind = c.direction === 'in' ? (c.answered ? 'Incoming' : 'Missed') : c.answered ? 'Outgoing' : 'Not answered';

		b.type = 'button';
		b.className = kind === 'Missed' ? 'missed' : '';
		b.setAttribute('aria-label', `Call ${c.who} again`);
		b.append(Object.assign(document.createElement('b'), { textContent: c.who }));
		b.append(Object.assign(document.createElement('span'), {
			textContent: `${kind}${c.seconds ? `, ${clock(1000 * c.seconds)}` : ''} · ${new Date(c.at).toLocaleString([], { dateStyle: 'short', timeStyle: 'short' })}`,
		}));
		b.addEventListener('click', () => {
			$('number').value = c.who;
			dialable();
			$('number').focus();
		});
		li.append(b);
		return li;
	}));
}

// ---- the account

async function microphones(select, chosen) {
	const devices = navigator.mediaDevices ? await navigator.mediaDevices.enumerateDevices() : [];

	select.length = 1;
	for (const d of devices.filter((x) => x.kind === 'audioinput' && x.deviceId && x.deviceId !== 'default'))
		select.add(new Option(d.label || 'Microphone', d.deviceId, false, d.deviceId === chosen));
}

function openSettings(values) {
	const form = $('account');

	for (const name of ['server', 'user', 'domain', 'password', 'name'])
		form.elements[name].value = values[name] || '';
	form.elements.remember.checked = Boolean(values.remember);
	form.elements.video.checked = Boolean(values.video);
	microphones(form.elements.microphone, values.microphone).catch(() => {});
	$('settings').showModal();
}

function signIn(account) {
	phone.microphone = account.microphone || '';
	phone.video = Boolean(account.video);
	$('alert').hidden = true;
	try {
		phone.signIn(account);
	} catch (e) {
		alertUser({ title: 'This is not an account', text: 'Check server, user and domain in the account settings.' });
	}
}

const defaults = (offer) => ({
	server: `${location.protocol === 'http:' ? 'ws' : 'wss'}://${location.hostname}`,
	domain: location.hostname,
	...offer,
});

async function start() {
	const offer = await store.offered();
	const kept = store.account();
	const account = kept ? { ...offer, ...kept } : defaults(offer);

	if (offer.number)
		$('number').value = offer.number;
	if (offer.title)
		document.querySelector('.brand span').textContent = offer.title;
	dialable();
	if (!window.isSecureContext)
		alertUser(explain({ media: 'SecurityError' }));
	if (account.user && (account.password || account.register === false))
		signIn(account);
	else
		openSettings(account);
	$('open-settings').addEventListener('click', () => openSettings(store.account() || phone.account || account));
}

// ---- hands

keypad($('keys'), typeDigit);
keypad($('tone-keys'), sendTone);
$('number').addEventListener('input', dialable);
$('erase').addEventListener('click', () => {
	$('number').value = $('number').value.slice(0, -1);
	dialable();
	$('number').focus();
});
$('dial').addEventListener('submit', (e) => {
	e.preventDefault();
	const number = $('number').value.trim();

	if (!number || phone.line.state !== 'ready')
		return;
	try {
		phone.dial(number);
	} catch (error) {
		alertUser({ title: 'This is not a number', text: 'Use digits, a plus at the beginning, or an address such as name@example.com.' });
	}
});
$('answer').addEventListener('click', () => phone.answer());
$('decline').addEventListener('click', () => phone.hangUp());
$('hang-up').addEventListener('click', () => phone.hangUp());
$('mute').addEventListener('click', () => phone.toggleMute());
$('hold').addEventListener('click', () => phone.toggleHold());
$('pad').addEventListener('click', () => {
	$('tones').hidden = !$('tones').hidden;
	$('pad').setAttribute('aria-expanded', String(!$('tones').hidden));
});
$('alert-close').addEventListener('click', () => ($('alert').hidden = true));
$('clear').addEventListener('click', () => {
	store.clearRecent();
	showRecent();
});
$('settings-cancel').addEventListener('click', () => $('settings').close());
$('account').addEventListener('submit', () => {
	const data = Object.fromEntries(new FormData($('account')));
	const account = { ...data, remember: data.remember === 'on', video: data.video === 'on' };

	store.keepAccount(account);
	signIn(account);
});

// The keyboard is a phone too: digits dial or send tones, Escape hangs up, M mutes, H holds.
document.addEventListener('keydown', (e) => {
	if (e.ctrlKey || e.metaKey || e.altKey || $('settings').open)
		return;
	const typing = e.target instanceof HTMLInputElement;
	const call = phone.call;

	if (e.key === 'Escape' && call)
		phone.hangUp();
	else if (!call && !typing && /^[\d*#+]$/.test(e.key)) {
		$('number').focus();
		return;
	} else if (call && /^[\d*#]$/.test(e.key))
		sendTone(e.key);
	else if (call && e.key.toLowerCase() === 'm')
		phone.toggleMute();
	else if (call && e.key.toLowerCase() === 'h')
		phone.toggleHold();
	else
		return;
	e.preventDefault();
});

phone.addEventListener('line', showLine);
phone.addEventListener('call', showCall);
window.addEventListener('beforeunload', () => phone.signOut());
window.hawse = phone; // for whoever looks from the console, and for tests
showRecent();
start();
