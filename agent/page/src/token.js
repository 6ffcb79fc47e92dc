// The token with which the reader acts. It stays in this tab and goes with it.

const key = 'pushguard.token';

// Where storage is forbidden the token lives as long as the page.
let held = null;

export function storedToken() {
  try {
    return sessionStorage.getItem(key) ?? held;
  } catch {
    return held;
  }
}

export function storeToken(token) {
  held = token;
  try {
    sessionStorage.setItem(key, token);
  } catch {
    // held has it
  }
}

export function forgetToken() {
  held = null;
  try {
    sessionStorage.removeItem(key);
  } catch {
    // there was none
  }
}
