// SPDX-License-Identifier: BSD-3-Clause
// A person with the web phone in headless Chromium: node browser.mjs PAGE TONE.wav STEPS...
//
// Steps: call NUMBER · answer · up · wait SECONDS · hold · resume · digits 123 · hang-up · ended · hear · see · asked. Prints a
// JSON object: what the page said, and by the browser's own statistics what came and went.
import { chromium } from 'playwright-core';

const [, , page_url, tone, ...words] = process.argv;
const browser = await chromium.launch({
	executablePath: '/usr/bin/chromium',
	args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
		'--disable-component-update', '--disable-sync', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
		`--use-file-for-fake-audio-capture=${tone}`, '--autoplay-policy=no-user-gesture-required', '--ignore-certificate-errors'],
});
const context = await browser.newContext({ ignoreHTTPSErrors: true, permissions: ['microphone', 'camera'] });
const page = await context.newPage();
const report = { states: [], errors: [], log: [], hearings: [] };

// Somebody else than the page's configuration says.
if (process.env.ACCOUNT)
	await page.addInitScript((a) => {
		localStorage.setItem('hawse.account', JSON.stringify(a));
		sessionStorage.setItem('hawse.account', JSON.stringify({ password: a.password }));
	}, JSON.parse(process.env.ACCOUNT));
// What comes back from an echo would be taken for an echo.
if (process.env.RAW_MICROPHONE)
	await page.addInitScript(() => {
		const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
		const raw = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

		navigator.mediaDevices.getUserMedia = (c) => real(c.audio ? { ...c, audio: { ...(c.audio === true ? {} : c.audio), ...raw } } : c);
	});
page.on('console', (m) => report.log.push(m.text().slice(0, 300)));
page.on('pageerror', (e) => report.errors.push(e.message));

const text = (id) => page.locator(`#${id}`).textContent();
// Not by waitForFunction: the page's policy forbids eval.
const until = async (id, pattern, seconds = 20) => {
	const end = Date.now() + 1000 * seconds;

	while (!new RegExp(pattern).test(await text(id))) {
		if (Date.now() > end)
			throw new Error(`${id} says "${await text(id)}", not ${pattern}`);
		await page.waitForTimeout(100);
	}
};

async function figures() {
	return page.evaluate(async () => {
		const c = window.hawse.call && window.hawse.call.session.connection;
		const out = {};

		if (!c)
			return out;
		out.transports = 0;
		(await c.getStats()).forEach((s) => {
			if (s.type === 'inbound-rtp' && s.kind === 'video')
				out.video = { frames: s.framesDecoded, width: s.frameWidth, lost: s.packetsLost, pli: s.pliCount, nack: s.nackCount, codec: s.decoderImplementation };
			else if (s.type === 'outbound-rtp' && s.kind === 'video')
				Object.assign(out, { video_sent: s.packetsSent, pli_asked: s.pliCount, fir_asked: s.firCount, nack_asked: s.nackCount });
			else if (s.type === 'inbound-rtp')
				Object.assign(out, { received: s.packetsReceived, lost: s.packetsLost, energy: s.totalAudioEnergy });
			else if (s.type === 'outbound-rtp')
				out.sent = s.packetsSent;
			if (s.type === 'remote-inbound-rtp')
				Object.assign(out, { there_lost: s.packetsLost, round_trip: s.roundTripTime });
			out.transports += s.type === 'transport';
			if (s.type === 'transport')
				Object.assign(out, { dtls: s.dtlsState, cipher: s.srtpCipher, ice: s.iceState });
		});
		return out;
	});
}

// The loudest frequency in what the page plays.
const heard = () => page.evaluate(async () => {
	const ctx = new AudioContext();
	const analyser = ctx.createAnalyser();
	const bins = new Float32Array(2048);

	analyser.fftSize = 4096;
	ctx.createMediaStreamSource(document.getElementById('remote').srcObject).connect(analyser);
	await ctx.resume();
	await new Promise((r) => setTimeout(r, 1200));
	analyser.getFloatFrequencyData(bins);
	const at = bins.indexOf(Math.max(...bins));
	const result = { hertz: Math.round((at * ctx.sampleRate) / analyser.fftSize), level: Math.round(bins[at]) };

	await ctx.close();
	return result;
});

const steps = {
	call: async (number) => {
		await page.fill('#number', number);
		await page.click('#call');
	},
	answer: async () => {
		await page.waitForSelector('#answer:visible', { timeout: 25000 });
		report.caller = await text('who');
		await page.click('#answer');
	},
	up: () => until('state', 'Connected'),
	wait: (seconds) => page.waitForTimeout(1000 * Number(seconds)),
	hold: async () => {
		await page.click('#hold');
		await until('state', 'On hold');
		await page.waitForTimeout(500);
		const before = await figures();
		await page.waitForTimeout(1000);
		const after = await figures();
		report.held = { received: after.received - before.received, sent: after.sent - before.sent };
	},
	resume: async () => {
		await page.click('#hold');
		await until('state', 'Connected');
		await page.waitForTimeout(500);
		const before = await figures();
		await page.waitForTimeout(1000);
		const after = await figures();
		report.resumed = { received: after.received - before.received, sent: after.sent - before.sent };
	},
	digits: async (digits) => {
		if (await page.locator('#tones').isHidden())
			await page.click('#pad');
		for (const d of digits) {
			await page.click(`#tone-keys [data-key="${d}"]`);
			await page.waitForTimeout(350);
		}
		report.digits = await text('sent');
	},
	hear: async () => {
		report.heard = await heard();
		report.hearings.push(report.heard);
		report.figures = await figures();
		report.quality = { hear: await text('hear'), heard: await text('heard') };
	},
	see: async () => {
		const end = Date.now() + 15000;
		let before = 0;

		// Pictures come, and go on coming.
		for (;;) {
			const now = (await figures()).video;

			if (now && now.frames > 20 && before && now.frames > before + 5)
				break;
			if (Date.now() > end)
				throw new Error(`no moving picture: ${JSON.stringify(await figures())}`);
			before = now ? now.frames : 0;
			await page.waitForTimeout(1000);
		}
		report.seen = await figures();
		report.shown = await page.locator('#picture').isVisible();
	},
	// What the other side asks of our picture, and we of its.
	asked: async () => {
		const end = Date.now() + 20000;

		do {
			await page.waitForTimeout(500);
			report.asked = await figures();
		} while (Date.now() < end && !(report.asked.pli_asked > 1 && report.asked.fir_asked && report.asked.nack_asked && report.asked.video.nack && report.asked.video.pli));
	},
	'hang-up': () => page.click('#hang-up'),
	ended: () => page.waitForSelector('#dialler:visible', { timeout: 30000 }),
	shot: (file) => page.screenshot({ path: file }),
};
const takes = new Set(['call', 'wait', 'digits', 'shot']);

try {
	await page.goto(page_url);
	await until('line-text', '^Ready', 30);
	report.ready = await text('line-text');
	console.error('ready');
	for (let i = 0; i < words.length; i++) {
		const step = words[i];

		await steps[step](takes.has(step) ? words[++i] : undefined);
		report.states.push(step);
	}
	report.alert = (await page.locator('#alert').isVisible()) ? `${await text('alert-title')}: ${await text('alert-text')}` : '';
	report.ok = true;
} catch (e) {
	report.ok = false;
	report.failed = e.message.split('\n')[0];
	report.line = await text('line-text').catch(() => '');
	report.alert = await text('alert-text').catch(() => '');
	report.state = await text('state').catch(() => '');
}
console.log(JSON.stringify(report));
await browser.close();
process.exit(report.ok ? 0 : 1);
