// SPDX-License-Identifier: BSD-3-Clause
// What this browser keeps: the account, and the calls of late. The password only when asked to, else for
// as long as the tab is open.

const ACCOUNT = 'hawse.account';
const RECENT = 'hawse.recent';
const MOST = 30;

function read(storage, key) {
	try {
		return JSON.parse(storage.getItem(key));
	} catch (e) {
		return null;
	}
}

export function account() {
	const kept = read(localStorage, ACCOUNT);
	const secret = read(sessionStorage, ACCOUNT);

	return kept ? { ...kept, ...(secret || {}) } : null;
}

export function keepAccount(a) {
	const { password, ...open } = a;

	localStorage.setItem(ACCOUNT, JSON.stringify(a.remember ? a : open));
	sessionStorage.setItem(ACCOUNT, JSON.stringify({ password }));
}

export const recent = () => read(localStorage, RECENT) || [];

export function keepCall(call) {
	const list = [call, ...recent()].slice(0, MOST);

	localStorage.setItem(RECENT, JSON.stringify(list));
	return list;
}

export const clearRecent = () => localStorage.removeItem(RECENT);

// What the server says of itself, when it says something: config.json beside the page.
export async function offered() {
	try {
		const response = await fetch('config.json', { cache: 'no-store' });

		return response.ok ? await response.json() : {};
	} catch (e) {
		return {};
	}
}
