/*!
 * django-clicktocall: the button a visitor sees. BSD-3-Clause.
 *
 * A guest on a stranger's page: no cookie, no storage, no global, no frame, no inline style.
 * Whatever goes wrong, the telephone link inside the element stays.
 */
(() => {
  "use strict";

  // Only while a classic script runs does the browser say which tag it came from.
  const script =
    document.currentScript || document.querySelector('script[src*="clicktocall/widget"]');

  // Nothing of ours may throw into the page.
  const guard =
    (action) =>
    (...args) => {
      try {
        const result = action(...args);
        return result?.catch ? result.catch(complain) : result;
      } catch (error) {
        complain(error);
      }
    };
  const isPhone = () => matchMedia("(max-width: 479.98px)").matches;
  const complain = (error) => console.warn("click-to-call:", error);

  // A function listens, `part` is the class too, false is left out.
  const dress = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (typeof value === "function") node.addEventListener(name, guard(value));
      else if (value || value === "") node.setAttribute(name, value === true ? "" : value);
      if (name === "part") node.setAttribute("class", value);
    }
    node.append(...children.filter(Boolean));
    return node;
  };
  const h = (tag, attributes, ...children) => dress(document.createElement(tag), attributes, children);
  const button = (part, label, click, more) => h("button", { type: "button", part, click, ...more }, label);
  const focus = (node) => node.focus({ preventScroll: true });
  const svg = (tag, attributes, children) =>
    dress(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

  // A receiver lying down; turned, it is picked up.
  const RECEIVER =
    "M2 12.5C2 6 22 6 22 12.5v2.6a1.2 1.2 0 0 1-1.4 1.2l-3.7-.7a1.2 1.2 0 0 1-1-1.2V12a14 14 0 0 0" +
    "-7.8 0v2.4a1.2 1.2 0 0 1-1 1.2l-3.7.7A1.2 1.2 0 0 1 2 15.1z";
  const LIFTED = "rotate(-135 12 12)";
  const ICONS = {
    phone: [[RECEIVER, LIFTED]],
    ringing: [[RECEIVER, "translate(-1.5 4.5) scale(.85) " + LIFTED], ["M14 6.5a5 5 0 0 1 3.5 3.5M14.5 1.5a9 9 0 0 1 8 8"]],
    down: [[RECEIVER, "translate(0 1)"]],
    dots: [["M6 12h.01M12 12h.01M18 12h.01"]],
    cross: [["M6 6l12 12M18 6L6 18"]],
    minus: [["M5 12h14"]],
    clock: [["M2 12a10 10 0 1 0 20 0a10 10 0 1 0-20 0M12 6.5V12l3.5 2.5"]],
    tape: [["M2.5 11a4 4 0 1 0 8 0a4 4 0 1 0-8 0M13.5 11a4 4 0 1 0 8 0a4 4 0 1 0-8 0M6.5 15h11"]],
    bang: [["M12 5v8.5M12 18.5v.01"]],
  };

  const icon = (name) =>
    svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" },
      ICONS[name].map(([d, transform]) => svg("path", { d, transform, class: transform ? "solid" : "drawn" }, [])));

  const absolute = (address) => new URL(address, document.baseURI).href.replace(/\/?$/, "/");

  const defaultApi = () => {
    if (script?.dataset.api) return absolute(script.dataset.api);
    return new URL("/clicktocall/", script?.src || document.baseURI).href;
  };

  // By hand: without HTTPS there is no `crypto.randomUUID`.
  const newKey = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  };

  // Status 0: nobody knows whether the server heard us.
  const request = async (url, body, cache = "no-store", etag = "") => {
    try {
      const response = await fetch(url, {
        ...(body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }),
        ...(etag && { headers: { "If-None-Match": etag } }),
        credentials: "omit",
        cache,
        signal: AbortSignal.timeout(20000),
      });
      // An answer without JSON is not ours and tells nothing about the call.
      const data = response.status === 304 ? {} : await response.json();
      const error = data.error || {};
      const retryAfter = Math.ceil(response.headers.get("Retry-After") || error.retry_after) || 0;
      return { ok: response.ok, status: response.status, data, error, retryAfter, etag: response.headers.get("ETag") };
    } catch (error) {
      return { status: 0, error: {} };
    }
  };

  const configs = new Map();

  const loadConfig = (url, fresh) => {
    const load = async () => {
      const { ok, data } = await request(url, null, fresh ? "reload" : "default");
      if (ok && data.texts) return data;
      configs.delete(url);
    };
    if (fresh || !configs.has(url)) configs.set(url, load());
    return configs.get(url);
  };

  // Running calls of removed elements, for the endpoint's next button. A reload loses sight of a
  // call: `history.state` is the page's own.
  const orphans = new Map();

  const isColour = (value) => /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.test(value);

  const luminance = (colour) => {
    const pairs = colour.length > 4 ? colour.slice(1).match(/../g) : Array.from(colour.slice(1), (x) => x + x);
    const [r, g, b] = pairs.map((pair) => ((parseInt(pair, 16) / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  // At 0.179 black and white contrast alike, with 4.58 : 1.
  const textOn = (accent) => (luminance(accent) > 0.179 ? "#000" : "#fff");

  // The pieces of a text, its {placeholders} replaced by strings or nodes.
  const fill = (text, values) =>
    text.split(/\{(\w+)\}/).map((piece, index) => (index % 2 ? (values[piece] ?? "") : piece));

  const phoneText = (number) => h("bdi", { dir: "ltr", class: "phone" }, number);
  const phoneLink = (phone) =>
    h("a", { href: "tel:" + phone.e164.replace(/[^+\d]/g, ""), part: "phone" }, phoneText(phone.display));

  const clock = (seconds) =>
    Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0");

  const talkedFor = (seconds, t) => {
    const values = { minutes: Math.floor(seconds / 60), seconds: seconds % 60 };
    return fill(seconds < 60 ? t("seconds") : t("minutes"), values).join("");
  };

  const waitFor = (seconds, locale) => {
    const [count, unit] = seconds < 100 ? [seconds, "second"] : [Math.ceil(seconds / 60), "minute"];
    return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(count);
  };

  // In the visitor's own zone; from six days on a weekday alone would mislead.
  const moment = (date, locale) => {
    const far = date - Date.now() > 6 * 864e5 && { day: "numeric", month: "long" };
    return {
      day: date.toLocaleDateString(locale, { weekday: "long", ...far }),
      time: date.toLocaleTimeString(locale, { hour: "numeric", minute: "2-digit" }),
    };
  };

  // A call without a second leg (a message, a flow) rings nobody but the visitor.
  const visitorIsFirst = (call) => call.dial_first === "contact" || !call.legs.b;

  // A call that could not be placed is scheduled again at once; one for later is asked about rarely.
  const isForLater = ({ state, poll_after: wait }) => state === "scheduled" && wait >= 15;
  const isStarting = (call) =>
    ["queued", "placing", "placed"].includes(call.state) || (call.state === "scheduled" && !isForLater(call));
  const SLOW_AFTER = 15000;

  // Only from here on states become words.
  const headline = (call, t, phone, slow) => {
    const youFirst = visitorIsFirst(call);
    const answered = !call.legs.b ? t("answered_alone") : youFirst ? t("answered_you") : t("answered_team");
    if (slow) return phone ? fill(t("slow"), { phone: phoneText(phone.display) }) : [t("slow_plain")];
    const words = {
      scheduled: isForLater(call) && t("scheduled"),
      ringing: youFirst ? t("ringing_you") : t("ringing_team"),
      answered,
      connecting: answered,
      connected: t("connected"),
    };
    return call.state === "ended" ? ending(call, t, phone) : [words[call.state] || t("sent")];
  };

  const ending = ({ outcome, outcome_leg: leg, talk_seconds: talked, ...call }, t, phone) => {
    const onYou = leg === (visitorIsFirst(call) ? "a" : "b");
    const onYourSide = { busy: t("you_busy"), machine: t("you_machine") };
    const anywhere = { completed: t("ended"), canceled: leg && !onYou ? t("failed") : t("canceled"), expired: t("expired"), unknown: t("unsure") };
    if (outcome === "rejected") return notAvailable(t, phone);
    if (outcome === "completed" && talked) return fill(t("ended_after"), { duration: talkedFor(talked, t) });
    if (anywhere[outcome]) return [anywhere[outcome]];
    if (onYou) return [onYourSide[outcome] || t("you_no_answer")];
    return [leg && outcome !== "failed" ? t("team_busy") : t("failed")];
  };

  const notAvailable = (t, phone) =>
    phone ? fill(t("not_available"), { phone: phoneLink(phone) }) : [t("not_available_plain")];

  // [icon, word, tone] of one side; nothing for a side that nobody reports.
  const legWords = (state, over, t) =>
    ({
      waiting: over ? ["minus", t("leg_not_rung"), "idle"] : ["dots", t("leg_waiting"), "idle"],
      ringing: ["ringing", t("leg_ringing"), "ringing"],
      answered: ["phone", t("leg_answered"), "on"],
      ended: ["down", t("leg_ended"), "idle"],
      busy: ["minus", t("leg_busy"), "bad"],
      no_answer: ["clock", t("leg_no_answer"), "bad"],
      declined: ["cross", t("leg_declined"), "bad"],
      machine: ["tape", t("leg_machine"), "bad"],
      canceled: ["cross", t("leg_canceled"), "idle"],
      failed: ["bang", t("leg_failed"), "bad"],
    })[state];

  // `light-dark()` follows the page's own `color-scheme`; a media query would put a dark panel on a
  // page that only knows light. Without it: light.
  const COLOURS = {
    bg: ["#fff", "#1e2125"],
    text: ["#1b1e21", "#f1f3f5"],
    muted: ["#596067", "#adb4bb"],
    soft: ["#f3f5f6", "#2a2e33"],
    line: ["#dde1e4", "#3d4349"],
    border: ["#848b92", "#7f878f"],
    danger: ["#b3261e", "#ffb4ab"],
    rim: ["#fff0", "#fff3"],
  };
  const palette = (pick) =>
    Object.entries(COLOURS)
      .map(([name, [light, dark]]) => `--${name}: var(--ctc-${name}, ${pick(light, dark)});`)
      .join("");

  const STYLE = `
:host { display: inline-block; position: relative; }
:host([mode="floating"]) { display: contents; }
:host([hidden]) { display: none; }
slot.held { visibility: hidden; }
[hidden] { display: none !important; }

.root {
  all: initial;
  color-scheme: inherit;
  ${palette((light) => light)}
  --accent: var(--ctc-accent, var(--ctc-theme-accent));
  --accent-text: var(--ctc-accent-text, var(--ctc-theme-accent-text));
  --shadow: var(--ctc-shadow, 0 1px 3px #0003, 0 12px 40px #0004);
  --radius: var(--ctc-radius, var(--ctc-theme-radius));
  --font: var(--ctc-font, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif);
  /* The box of the telephone link, so that nothing on the page moves. */
  position: absolute; inset: 0;
  display: flex; align-items: center; justify-content: flex-start;
}
@supports (color: light-dark(red, blue)) {
  .root { ${palette((light, dark) => `light-dark(${light}, ${dark})`)} }
}
.root.centre { justify-content: center; }
.root.flow { position: static; display: inline-flex; }
.root.floating {
  position: fixed; inset: auto; z-index: var(--ctc-z, 2147483000);
  inset-block-end: calc(16px + env(safe-area-inset-bottom, 0px)); inset-inline-end: 16px;
}

*, *::before { box-sizing: border-box; }
button, input, select, textarea { font: inherit; color: inherit; margin: 0; }
button { cursor: pointer; }
:focus-visible { outline: 2px solid var(--text); outline-offset: 2px; }
h2:focus { outline: none; }
svg { display: block; inline-size: 20px; block-size: 20px; flex: none; overflow: visible; }
.solid { fill: currentColor; }
.drawn { fill: none; stroke: currentColor; stroke-width: 2.4; stroke-linecap: round; stroke-linejoin: round; }

.button, .primary, .second {
  display: inline-flex; align-items: center; justify-content: center; gap: 8px;
  min-block-size: 44px; padding: 8px 20px; border: 1px solid transparent;
  font: 600 16px/1.25 var(--font);
}
.button, .primary { background: var(--accent); color: var(--accent-text); border-color: var(--rim); }
.button {
  flex: none; min-inline-size: 100%; min-block-size: max(44px, 100%); max-inline-size: calc(100vw - 32px);
  border-radius: var(--ctc-button-radius, 999px); white-space: nowrap;
}
.floating .button { box-shadow: var(--shadow); }
.primary, .second { inline-size: 100%; min-block-size: 48px; border-radius: var(--radius); }
.second { background: transparent; border-color: var(--border); }
@media (hover: hover) {
  .button:hover, .primary:hover { filter: brightness(.93); }
  .second:hover, .close:hover { background: var(--soft); }
}
.button:active, .primary:active, .second:active { translate: 0 1px; }
[aria-disabled="true"] { cursor: default; background: var(--soft); color: var(--muted); border-color: var(--line); }
.button.running svg { animation: shake 1.2s ease-in-out infinite; }

dialog {
  position: fixed; inset: auto; margin: 0; padding: 0; z-index: var(--ctc-z, 2147483000);
  inline-size: min(var(--ctc-width, 360px), calc(100vw - 16px));
  max-inline-size: none; max-block-size: calc(100vh - 16px);
  overflow: auto; overscroll-behavior: contain;
  font: 16px/1.5 var(--font); text-align: start; color: var(--text); background: var(--bg);
  border: 1px solid var(--line); border-radius: var(--radius); box-shadow: var(--shadow);
  animation: rise .15s ease-out;
}
dialog.sheet {
  inset: auto 0 var(--keyboard, 0px); inline-size: 100%; max-block-size: calc(100dvh - 24px - var(--keyboard, 0px));
  border-width: 1px 0 0; border-radius: calc(var(--radius) + 4px) calc(var(--radius) + 4px) 0 0;
  padding-block-end: env(safe-area-inset-bottom, 0px);
  animation-name: slide;
}
.sheet::backdrop { background: rgb(0 0 0 / .45); }

header { display: flex; align-items: center; gap: 8px; padding-block-start: 8px; padding-inline: 20px 8px; }
h2 { flex: 1; margin: 8px 0; font-size: 19px; line-height: 1.3; font-weight: 650; }
.close, .badge { display: grid; place-items: center; border-radius: 50%; color: var(--muted); }
.close { inline-size: 44px; block-size: 44px; padding: 0; border: 1px solid transparent; background: none; }
form, .fields, .field, .actions { display: flex; flex-direction: column; gap: 16px; }
form { padding: 0 20px 20px; }
p { margin: 0; overflow-wrap: anywhere; }
a { color: inherit; text-underline-offset: 2px; }
.phone { white-space: nowrap; }
.intro { color: var(--muted); }
.intro .phone { color: var(--text); font-weight: 600; }
.field { gap: 4px; }
.field > label { font-size: 14px; }
.field > [for] { font-weight: 600; }
input, select, textarea {
  inline-size: 100%; min-block-size: 48px; padding: 10px 12px; font-size: 16px;
  background: var(--bg); border: 1px solid var(--border); border-radius: calc(var(--radius) - 4px);
}
textarea { min-block-size: 80px; }
input:focus-visible, select:focus-visible, textarea:focus-visible { outline-offset: -1px; border-color: var(--text); }
[dir="rtl"] input[dir] { text-align: right; }
::placeholder { color: var(--muted); opacity: 1; }
[aria-invalid="true"] { border-color: var(--danger); box-shadow: inset 0 0 0 1px var(--danger); }
.fault { color: var(--danger); font-size: 14px; }
.consent { display: flex; gap: 12px; align-items: flex-start; line-height: 1.45; cursor: pointer; padding-block: 4px; }
.consent input { flex: none; inline-size: 24px; min-block-size: 24px; accent-color: var(--accent); }
.now:has(.status:empty) { margin-block-end: -16px; }
.actions:not(:has(> :not([hidden]))), .footer:not(:has(> :not([hidden]))) { display: none; }
.status { display: flex; gap: 8px; align-items: flex-start; }
.status svg { margin-block-start: 2px; }
.status.problem { padding: 12px; border-radius: calc(var(--radius) - 4px); background: var(--soft); font-size: 15px; line-height: 1.4; }
.status.problem svg { color: var(--danger); }
.status.call { font-size: 18px; line-height: 1.35; font-weight: 600; text-wrap: balance; }
.status small { display: block; font-size: 14px; font-weight: 400; color: var(--muted); }
.timer { font-size: 18px; line-height: 1.35; font-variant-numeric: tabular-nums; }
.calling .now { min-block-size: 50px; }
.calling h2 { font-size: 15px; font-weight: 400; color: var(--muted); }
.legs { list-style: none; margin: 0; padding: 4px 12px; border-radius: var(--radius); background: var(--soft); }
.legs li { position: relative; display: grid; grid-template-columns: 40px 1fr auto; align-items: center; gap: 8px; padding-block: 10px; }
.legs li + li::before {
  content: ""; position: absolute; inset-block-start: -10px; inset-inline-start: 19px; block-size: 20px;
  border-inline-start: 2px dashed var(--border);
}
.legs.joined li + li::before { border-inline-start: 2px solid var(--accent); }
.badge { inline-size: 40px; block-size: 40px; border: 2px dashed var(--border); background: var(--bg); }
.ringing .badge { border: 2px solid var(--accent); color: var(--text); }
.ringing .badge svg { animation: shake 1.2s ease-in-out infinite; }
.on .badge { border: 2px solid var(--accent); background: var(--accent); color: var(--accent-text); }
.bad .badge { border: 2px solid var(--danger); color: var(--danger); }
.who { font-weight: 600; line-height: 1.3; overflow-wrap: anywhere; }
.who .phone { display: block; inline-size: fit-content; white-space: normal; font-size: 13px; font-weight: 400; color: var(--muted); }
.word { color: var(--muted); font-size: 15px; white-space: nowrap; }
.ringing .word, .on .word { color: var(--text); font-weight: 600; }
.bad .word { color: var(--danger); font-weight: 600; }
.actions { gap: 8px; }
.footer { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 4px 16px; font-size: 14px; color: var(--muted); }
.footer a { display: inline-block; padding-block: 12px; margin-block: -12px; }

@keyframes rise { from { opacity: 0; translate: 0 6px; } }
@keyframes slide { from { translate: 0 100%; } }
@keyframes shake { 0%, 50%, 100% { rotate: 0deg; } 10%, 30% { rotate: -12deg; } 20%, 40% { rotate: 12deg; } }
@media (prefers-reduced-motion: reduce) { * { animation: none !important; } }
@media print {
  slot.held { visibility: visible; }
  .root { display: none; }
}`;

  const sheet = "adoptedStyleSheets" in document && window.HTMLDialogElement && new CSSStyleSheet();

  class ClickToCall extends HTMLElement {
    static observedAttributes = ["endpoint", "api", "label", "mode"];

    #shadow;
    #slot = h("slot");
    #root;
    #trigger;
    #dialog; // built when first opened
    #ui = {}; // the parts of the panel
    #config;
    #ready;
    #opened;
    #side; // of the button, kept while the panel is open

    #token; // {value, until}
    #intent; // what is being asked for, with its idempotency key
    #busy;
    #wait; // {text, until}: the visitor may ask again from then on
    #call;
    #contact = "";
    #turn = 0; // answers older than the newest one are dropped
    #canceling;
    #tooLate; // to cancel
    #failures = 0;
    #due; // a poll was due while nobody was looking
    #seenAt = 0;
    #startedAt = 0; // since when the call is about to ring; 0 if it is not
    #joinedAt = 0;
    #againAt = 0;
    #etag;
    #pollTimer;
    #ticker;

    connectedCallback() {
      guard(() => {
        document.addEventListener("visibilitychange", this.#onVisibility);
        this.#start();
        this.#tickLater();
        if (!this.#call) return;
        orphans.delete(this.#address());
        return this.#poll();
      })();
    }

    disconnectedCallback() {
      guard(() => {
        document.removeEventListener("visibilitychange", this.#onVisibility);
        clearTimeout(this.#pollTimer);
        clearTimeout(this.#ticker);
        this.#close(false);
        if (this.#isRunning()) {
          const orphan = { call: this.#call, contact: this.#contact, startedAt: this.#startedAt };
          // Moving an element takes it out and puts it back at once.
          queueMicrotask(() => this.isConnected || orphans.set(this.#address(), orphan));
        }
      })();
    }

    attributeChangedCallback(name, before, after) {
      if (before === after || !this.isConnected) return;
      guard(() => {
        if (name === "label" || name === "mode") this.#drawTrigger();
        else this.#start();
      })();
    }

    /** Opens the panel once the endpoint is known; resolves to whether it is open. */
    open() {
      return Promise.resolve(guard(() => this.#open())()).then(Boolean);
    }

    /** Closes the panel. A call that is under way goes on. */
    close() {
      guard(() => this.#close())();
    }

    #api() {
      const own = this.getAttribute("api");
      return own ? absolute(own) : defaultApi();
    }

    #address() {
      return this.#api() + "embed/" + encodeURIComponent(this.getAttribute("endpoint")) + "/";
    }

    // Only the path of an address the server gives: we talk to the host the page allowed, also
    // when a proxy makes the server guess its own name wrong.
    #own(url) {
      const { pathname, search } = new URL(url, this.#api());
      return new URL(pathname + search, this.#api()).href;
    }

    #start() {
      if (!this.getAttribute("endpoint")) return;
      const address = this.#address();
      this.#ready = loadConfig(address).then(
        guard((config) => {
          if (!this.isConnected || address !== this.#address() || config === this.#config) return;
          this.#config = config;
          this.#rebuild();
          const orphan = orphans.get(address);
          if (config && orphan && orphans.delete(address)) {
            this.#contact = orphan.contact;
            this.#startedAt = orphan.startedAt;
            this.#update(orphan.call);
          }
        }),
      );
    }

    #rebuild() {
      this.#close(false);
      this.#dialog?.remove();
      this.#dialog = null;
      if (this.#config) {
        this.#drawTrigger();
      } else if (this.#root) {
        this.#root.hidden = true;
        this.#slot.classList.remove("held");
      }
    }

    #t = (key) => this.#config.texts[key] || "";

    #locale() {
      const { language } = this.#config;
      return navigator.languages.find((tag) => tag.split("-")[0] === language.split("-")[0]) || language;
    }

    #phone() {
      if (this.#config.fallback_phone) return this.#config.fallback_phone;
      const link = this.querySelector('a[href^="tel:"]');
      return link && { e164: link.getAttribute("href").slice(4), display: link.textContent.trim() };
    }

    // null while open. The configuration may be older than the opening.
    #opening() {
      const { open, next_opening: next } = this.#config;
      if (open || (next && new Date(next) <= Date.now())) return null;
      return { at: next && new Date(next) };
    }

    #drawTrigger() {
      if (!this.#config) return;
      if (!this.#root) {
        const toggle = () => (this.#opened ? this.#close() : this.#open());
        this.#trigger = button("button", "", toggle, { "aria-haspopup": "dialog", "aria-expanded": "false" });
        this.#root = h("div", { part: "root", keydown: (event) => this.#onKey(event) }, this.#trigger);
        this.#shadow = this.attachShadow({ mode: "open" });
        this.#shadow.adoptedStyleSheets = [sheet];
        this.#shadow.append(this.#slot, this.#root);
      }
      const floating = this.getAttribute("mode") === "floating";
      const centre = getComputedStyle(this).textAlign === "center";
      this.#root.className = floating ? "root floating" : !this.firstElementChild ? "root flow" : centre ? "root centre" : "root";
      this.#paint(this.#config.theme || {});
      this.#labelTrigger();
      this.#root.hidden = false;
      if (this.matches(":focus-within") && !this.#shadow.activeElement) focus(this.#trigger);
      this.#slot.classList.add("held");
    }

    #paint(theme) {
      const accent = isColour(theme.accent) ? theme.accent : "#0b6e4f";
      const style = this.#root.style;
      style.setProperty("--ctc-theme-accent", accent);
      style.setProperty("--ctc-theme-accent-text", isColour(theme.accent_text) ? theme.accent_text : textOn(accent));
      style.setProperty("--ctc-theme-radius", /^\d{1,2}px$/.test(theme.radius) ? theme.radius : "12px");
    }

    #labelTrigger() {
      const running = this.#isRunning();
      this.#trigger.classList.toggle("running", running);
      const label = running ? this.#t("running") : this.getAttribute("label") || this.#t("button");
      this.#speakLanguage(this.#trigger);
      if (this.#trigger.textContent !== label) this.#trigger.replaceChildren(icon("phone"), h("span", null, label));
    }

    #speakLanguage(node) {
      node.lang = this.#config.language;
      node.dir = this.#config.direction;
    }

    #buildPanel() {
      const t = this.#t;
      const ui = (this.#ui = {});
      ui.title = h("h2", { id: "title", part: "title", tabindex: "-1" }, t("title"));
      ui.intro = h("p", { id: "intro", part: "intro" }, ...this.#introduction());
      ui.fields = h("div", { class: "fields" });
      ui.live = h("p", { part: "status", role: "status", "aria-live": "polite" });
      ui.timer = h("p", { part: "timer", role: "timer", "aria-live": "off" });
      ui.legs = h("ul", { part: "legs", role: "list" });
      ui.submit = h("button", { type: "submit", part: "primary submit" }, t("submit"));
      ui.again = button("primary again", t("again"), () => this.#again());
      ui.cancel = button("second cancel", t("cancel"), () => this.#cancel());
      ui.foot = h("div", { part: "footer" });
      const close = button("close", icon("cross"), () => this.#close(), { "aria-label": t("close") });
      const form = h("form", { novalidate: true, part: "form",
          submit: (event) => { event.preventDefault(); return this.#submit(); } },
        ui.intro, ui.fields, h("div", { class: "now" }, ui.live, ui.timer), ui.legs,
        h("div", { class: "actions" }, ui.submit, ui.again, ui.cancel), ui.foot);
      this.#dialog = h("dialog", { part: "panel", "aria-labelledby": "title", "aria-describedby": "intro",
          close: () => this.#close(true),
          click: (event) => event.target === this.#dialog && this.#onBackdrop(event) },
        h("header", null, ui.title, close), form);
      this.#speakLanguage(this.#dialog);
      this.#buildFields();
      this.#root.append(this.#dialog);
      new ResizeObserver(guard(() => this.#place())).observe(this.#dialog);
      this.#say([]);
      this.#render();
    }

    #introduction() {
      const t = this.#t;
      const caller = this.#config.caller_id;
      const contact = this.#config.dial_first === "contact";
      if (!caller) return [contact ? t("before_contact_plain") : t("before_extension_plain")];
      return fill(contact ? t("before_contact") : t("before_extension"), { number: phoneText(caller.display) });
    }

    #buildFields() {
      const t = this.#t;
      const { countries = [], consent, fields = [], privacy_url: privacy } = this.#config;
      const ui = this.#ui;
      const typed = ui.inputs || {};
      const chosen = ui.country?.value;
      const line = (name, label, input, ...more) => {
        if (typed[name] && name !== "consent") input.value = typed[name].value;
        input.addEventListener("input", guard(() => this.#clearFault(name)));
        ui.inputs[name] = input;
        input.fault = h("p", { id: "fault-" + name, part: "fault", hidden: true });
        const title = label && h("label", { for: input.id }, label);
        return h("div", { class: "field" }, title, ...(more.length ? more : [input]), input.fault);
      };
      ui.inputs = {};
      ui.country = countries.length > 1 && h("select", { id: "country", part: "input", autocomplete: "country", change: () => this.#showExample() },
        ...countries.map(({ code, name, calling_code: dial }) => h("option", { value: code }, name + " +" + dial)));
      if (ui.country) ui.country.value = chosen || this.#likelyCountry();
      const box = h("input", { id: "consent", type: "checkbox", required: true });
      const phone = this.#phone();
      ui.fields.replaceChildren(
        ui.country ? h("div", { class: "field" }, h("label", { for: "country" }, t("country")), ui.country) : "",
        line("contact", t("number"), h("input", { id: "contact", part: "input", type: "tel", inputmode: "tel", autocomplete: "tel", dir: "ltr", required: true, value: this.getAttribute("contact") })),
        ...fields.map(({ name, label, type, required, max_length: maxlength }) =>
          line(name, required ? label : fill(t("optional"), { label }).join(""),
            h(type === "textarea" ? type : "input", { id: "field-" + name, part: "input", type, required, maxlength, autocomplete: name === "question" ? "off" : name }))),
        consent ? line("consent", "", box, h("label", { part: "consent" }, box, h("span", null, consent.text))) : "",
      );
      ui.ringUs = phone ? h("span", null, ...fill(t("ring_us"), { phone: phoneLink(phone) })) : "";
      ui.foot.replaceChildren(ui.ringUs,
        /^https?:\/\//i.test(privacy) ? h("a", { href: privacy, target: "_blank", rel: "noopener", part: "privacy" }, t("privacy")) : "");
      this.#showExample();
    }

    #likelyCountry() {
      const allowed = (code) => this.#config.countries.some((country) => country.code === code);
      const wish = (this.getAttribute("country") || "").toUpperCase();
      const region = navigator.languages.map((tag) => /-([A-Z]{2})\b/.exec(tag)?.[1]);
      return [wish, ...region, this.#config.default_country].find(allowed) || this.#config.countries[0].code;
    }

    #country() {
      const { countries = [], default_country: fallback } = this.#config;
      const code = this.#ui.country?.value || countries[0]?.code || fallback;
      return countries.find((country) => country.code === code) || { code };
    }

    #showExample() {
      this.#ui.inputs.contact.placeholder = this.#country().example || "";
    }

    // -- opening and closing

    async #open() {
      await this.#ready;
      if (!this.#config || !this.isConnected || this.#opened) return this.#opened;
      if (!this.#dialog) this.#buildPanel();
      if (!this.#call && !this.#opening()) this.#prepareToken();
      const onPhone = isPhone();
      const dialog = this.#dialog;
      // Modal only where it covers the page; as a popover the page cannot cut it off.
      dialog.popover = onPhone ? null : "manual";
      if (onPhone) dialog.showModal();
      else if (dialog.showPopover) dialog.showPopover();
      else dialog.show();
      this.#opened = true;
      this.#side = undefined;
      this.#trigger.setAttribute("aria-expanded", "true");
      this.#render();
      this.#watch("addEventListener");
      // On a phone the keyboard would cover what we say.
      focus(this.#call || onPhone || this.#opening() ? this.#ui.title : this.#ui.inputs.contact);
      this.#emit("open");
      return true;
    }

    #close(returnFocus = this.#shadow?.activeElement || document.activeElement === document.body) {
      if (!this.#opened) return;
      this.#opened = false;
      const dialog = this.#dialog;
      if (dialog.open) dialog.close();
      else if (dialog.hidePopover && dialog.isConnected) dialog.hidePopover();
      this.#watch("removeEventListener");
      this.#trigger.setAttribute("aria-expanded", "false");
      if (this.#call && !this.#isRunning() && !this.#isHeld()) this.#forget();
      if (returnFocus) focus(this.#trigger);
    }

    #onKey(event) {
      if (event.key !== "Escape" || event.isComposing || !this.#opened) return;
      event.stopPropagation();
      event.preventDefault();
      this.#close();
    }

    #onBackdrop({ clientX: x, clientY: y }) {
      const box = this.#dialog.getBoundingClientRect();
      if (x < box.left || x > box.right || y < box.top || y > box.bottom) this.#close();
    }

    #watch(how) {
      window[how]("scroll", this.#onMove, { passive: true, capture: true });
      window[how]("resize", this.#onMove);
      window.visualViewport?.[how]("resize", this.#onMove);
    }

    #onMove = guard(() => requestAnimationFrame(guard(() => this.#opened && this.#place())));

    #place() {
      if (!this.#opened) return;
      const { style, offsetWidth, offsetHeight, classList } = this.#dialog;
      classList.toggle("sheet", isPhone());
      if (isPhone()) {
        const view = window.visualViewport;
        const keyboard = view ? Math.max(0, innerHeight - view.height - view.offsetTop) : 0;
        style.setProperty("--keyboard", keyboard + "px");
        style.left = style.top = "";
        return;
      }
      const box = this.#trigger.getBoundingClientRect();
      const room = offsetHeight + 16;
      this.#side ??= innerHeight - box.bottom > room ? "below" : box.top > room ? "above" : "beside";
      const beside = this.#side === "beside";
      const fromEnd = (getComputedStyle(this).direction === "rtl") !== this.#root.classList.contains("floating");
      const fit = (value, size, space) => Math.max(8, Math.min(value, space - size - 8)) + "px";
      const along = fromEnd ? box.right - offsetWidth : box.left;
      const left = !beside ? along : fromEnd ? box.left - 8 - offsetWidth : box.right + 8;
      const top = beside ? box.top : this.#side === "below" ? box.bottom + 8 : box.top - 8 - offsetHeight;
      style.left = fit(left, offsetWidth, document.documentElement.clientWidth);
      style.top = fit(top, offsetHeight, innerHeight);
    }

    #say(pieces, kind = "", quietly = false) {
      const { live } = this.#ui;
      if (!live) return;
      live.setAttribute("aria-live", quietly ? "off" : "polite");
      live.className = "status " + kind;
      live.replaceChildren(...(pieces.length ? [kind === "problem" ? icon("bang") : "", h("span", null, ...pieces)] : []));
      if (this.#ui.ringUs) this.#ui.ringUs.hidden = !!live.querySelector("a");
    }

    #render() {
      if (this.#root && this.#config) this.#labelTrigger();
      if (!this.#dialog) return;
      const ui = this.#ui;
      const call = this.#call;
      const focused = this.#shadow.activeElement;
      const opening = !call && this.#opening();
      ui.intro.hidden = !!(call || opening);
      ui.fields.hidden = ui.submit.hidden = !!(call || opening);
      this.#dialog.classList.toggle("calling", !!call);
      ui.legs.hidden = !call;
      ui.timer.hidden = call?.state !== "connected";
      ui.cancel.hidden = !this.#isRunning() || !call.cancel_url;
      ui.again.hidden = !call || this.#isRunning() || this.#isHeld();
      ui.foot.hidden = this.#isRunning() && !this.#isSlow();
      if (opening) {
        const { at } = opening;
        this.#say(at ? fill(this.#t("closed"), moment(at, this.#locale())) : [this.#t("closed_plain")], "call");
      }
      if (call) this.#renderCall(call);
      this.#renderSubmit();
      // What was focused may be gone; the keyboard must not fall out of the panel.
      if (this.#opened && focused?.closest("[hidden]")) focus(ui.again.hidden ? ui.title : ui.again);
      this.#place();
    }

    #renderCall(call) {
      const t = this.#t;
      const ui = this.#ui;
      const over = call.state === "ended";
      const pieces = headline(call, t, this.#phone(), this.#isSlow());
      const late = this.#tooLate && !call.cancel_url ? t("too_late") : "";
      const note = over ? "" : this.#failures > 2 ? t("connection_lost") : late;
      const spoken = pieces.map((piece) => piece.textContent ?? piece).join("") + note;
      if (ui.live.textContent !== spoken) {
        this.#say(pieces, "call");
        if (note) ui.live.lastChild.append(h("small", null, note));
      }
      ui.cancel.replaceChildren(call.state === "connected" ? t("hang_up") : t("cancel"));
      const youFirst = visitorIsFirst(call);
      ui.legs.classList.toggle("joined", call.state === "connected");
      ui.legs.classList.toggle("over", over);
      ui.legs.replaceChildren(
        this.#line("you", t("you"), youFirst ? call.legs.a : call.legs.b, over, this.#contact),
        this.#line("team", t("our_team"), youFirst ? call.legs.b : call.legs.a, over),
      );
      ui.legs.hidden = !ui.legs.firstElementChild;
      this.#tick();
    }

    #line(side, name, state, over, number) {
      const words = legWords(state, over, this.#t);
      if (!words) return "";
      const [picture, word, tone] = words;
      return h("li", { part: "leg leg-" + side, class: tone, "data-state": state },
        h("span", { class: "badge" }, icon(picture)),
        h("span", { class: "who" }, name, number ? phoneText(number) : ""),
        h("span", { class: "word" }, word));
    }

    #renderSubmit() {
      const { submit } = this.#ui;
      submit.setAttribute("aria-disabled", !!(this.#busy || this.#secondsToWait()));
      submit.replaceChildren(this.#busy ? this.#t("sent") : this.#t("submit"));
    }

    #secondsToWait() {
      return Math.max(0, Math.ceil(((this.#wait?.until || 0) - Date.now()) / 1000));
    }

    #isHeld() {
      return this.#againAt > Date.now();
    }

    #isSlow() {
      return !!this.#startedAt && Date.now() - this.#startedAt > SLOW_AFTER;
    }

    #tick() {
      const { timer } = this.#ui;
      if (timer && this.#joinedAt) timer.textContent = clock(Math.floor((Date.now() - this.#joinedAt) / 1000));
      if (this.#wait && !this.#call) this.#countDown();
      if (this.#againAt && !this.#isHeld()) {
        this.#againAt = 0;
        this.#render();
      }
      this.#tickLater();
    }

    #tickLater() {
      clearTimeout(this.#ticker);
      const counting = this.#call?.state === "connected" || this.#wait || this.#againAt;
      if (counting) this.#ticker = setTimeout(guard(() => this.#tick()), 1000);
    }

    #countDown() {
      const left = this.#secondsToWait();
      // Said once, then counted silently.
      if (left) return this.#sayWait(left, true);
      this.#wait = null;
      this.#say([]);
      this.#renderSubmit();
    }

    #sayWait(seconds, quietly) {
      this.#say(fill(this.#wait.text, { duration: waitFor(seconds, this.#locale()) }), "problem", quietly);
    }

    #holdOff(text, seconds) {
      this.#wait = { text, until: Date.now() + seconds * 1000 };
      this.#sayWait(seconds);
      this.#renderSubmit();
      this.#tickLater();
    }

    // -- asking for a call

    #prepareToken() {
      if (this.#token?.until > Date.now()) return Promise.resolve({ ok: true });
      this.#token = null;
      this.#fetchingToken ||= request(this.#address() + "token/", {}).then((answer) => {
        this.#fetchingToken = null;
        const { token, expires_in: life } = answer.data || {};
        if (token) this.#token = { value: token, until: Date.now() + (life - 10) * 1000 };
        return answer;
      });
      return this.#fetchingToken;
    }

    #fetchingToken;

    #values() {
      const { inputs } = this.#ui;
      const fields = {};
      for (const { name } of this.#config.fields || []) {
        const value = inputs[name].value.trim();
        if (value) fields[name] = value;
      }
      return {
        contact: inputs.contact.value.trim(),
        country: this.#country().code || "",
        fields,
        ...(inputs.consent?.checked && { consent: this.#config.consent.version }),
      };
    }

    #isComplete(values) {
      const t = this.#t;
      const { inputs } = this.#ui;
      const faults = [];
      if (!values.contact) faults.push(["contact", t("number_missing")]);
      for (const { name, required } of this.#config.fields || []) {
        if (required && !values.fields[name]) faults.push([name, t("field_missing")]);
      }
      if (inputs.consent?.checked === false) faults.push(["consent", t("consent_missing")]);
      this.#showFaults(faults);
      return !faults.length;
    }

    #showFaults(faults) {
      Object.keys(this.#ui.inputs).forEach((name) => this.#clearFault(name));
      for (const [name, text] of faults) {
        const input = this.#ui.inputs[name];
        input.fault.textContent = text;
        input.fault.hidden = false;
        input.setAttribute("aria-invalid", "true");
        input.setAttribute("aria-describedby", input.fault.id);
      }
      if (faults.length) this.#ui.inputs[faults[0][0]].focus();
    }

    #clearFault(name) {
      const input = this.#ui.inputs[name];
      input.removeAttribute("aria-invalid");
      input.removeAttribute("aria-describedby");
      input.fault.hidden = true;
    }

    // The same wish keeps its key, and all it was first sent with, until the server has answered
    // for certain; so a retry never rings twice. Another number is another wish.
    #intentFor(values) {
      const wish = JSON.stringify(values);
      if (this.#intent?.wish !== wish) {
        const context = this.getAttribute("context");
        const body = { ...values, idempotency_key: newKey(), page: location.href, ...(context && { context }) };
        this.#intent = { wish, body };
      }
      return this.#intent.body;
    }

    async #submit() {
      if (this.#busy || this.#call || this.#secondsToWait()) return;
      const values = this.#values();
      if (!this.#isComplete(values)) return;
      const { contact, country, fields } = values;
      if (!this.#emit("before-call", { contact, country, fields }, true)) return;
      this.#busy = true;
      this.#startedAt = Date.now();
      this.#say([]);
      this.#renderSubmit();
      const answer = await this.#placeCall(this.#intentFor(values));
      this.#busy = false;
      if (answer.status && answer.status < 500) this.#intent = null;
      if (!answer.ok) {
        this.#render();
        return this.#refused(answer);
      }
      this.#token = null;
      this.#contact = contact;
      this.#update(answer.data);
      if (this.#opened) focus(this.#ui.title);
    }

    async #placeCall(body) {
      for (let again = true; ; again = false) {
        const token = await this.#prepareToken();
        if (!token.ok) return token;
        const answer = await request(this.#address() + "calls/", { ...body, token: this.#token.value });
        if (answer.error.code !== "token_invalid") return answer;
        this.#token = null;
        if (!again) return answer;
      }
    }

    #refused({ status, error, retryAfter }) {
      const t = this.#t;
      switch (error.code) {
        case "invalid_number": {
          const { example } = this.#country();
          const text = example ? fill(t("invalid_number"), { example }).join("") : t("invalid_number_plain");
          return this.#showFaults([["contact", text]]);
        }
        case "consent_required":
          return this.#askConsentAgain();
        case "invalid_request": {
          const known = Object.entries(error.fields || {}).filter(([name]) => name in this.#ui.inputs);
          if (!known.length) return this.#say([t("check_fields")], "problem");
          return this.#showFaults(known.map(([name, messages]) => [name, [].concat(messages).join(" ")]));
        }
        case "closed":
          this.#config = { ...this.#config, open: false, next_opening: error.next_opening || null };
          this.#render();
          return focus(this.#ui.title);
        case "try_later":
          return this.#holdOff(t("try_later"), retryAfter || 60);
      }
      if (!status) return this.#say([t("offline")], "problem");
      if (status >= 500 || error.code === "token_invalid") return this.#holdOff(t("unavailable"), retryAfter || 5);
      this.#say(notAvailable(t, this.#phone()), "problem");
    }

    // The text may have changed since it was read.
    async #askConsentAgain() {
      const config = await loadConfig(this.#address(), true);
      if (config) {
        this.#config = config;
        this.#buildFields();
      }
      if (this.#ui.inputs.consent) this.#showFaults([["consent", this.#t("consent_missing")]]);
      else this.#say([this.#t("check_fields")], "problem");
    }

    // -- following a call

    #isRunning() {
      return !!this.#call && this.#call.state !== "ended";
    }

    #update(call) {
      const before = this.#call;
      this.#call = call;
      this.#turn += 1;
      // A call that is late and put off once more is no plan: the provider is down.
      const starting = isStarting(call) || (call.state === "scheduled" && this.#isSlow());
      this.#startedAt = starting ? this.#startedAt || Date.now() : 0;
      const late = this.#isSlow() && this.#ui.foot?.hidden;
      const found = this.#failures > 2;
      this.#failures = 0;
      const news = JSON.stringify(before) !== JSON.stringify(call);
      if (call.state === "connected" && before?.state !== "connected") {
        // The visitor's clock may be wrong; it counts only when we did not see the joining.
        const watched = before && Date.now() - this.#seenAt < 3000;
        this.#joinedAt = Math.min(Date.now(), (!watched && Date.parse(call.connected_at)) || Date.now());
      }
      this.#seenAt = Date.now();
      const ended = call.state === "ended" && before?.state !== "ended";
      if (ended && call.outcome === "unknown") this.#againAt = Date.now() + 60000;
      if (news || found || late) this.#render();
      this.#schedule(call.poll_after);
      if (news) this.#emit("state", call);
      if (ended) this.#emit("end", call);
    }

    #schedule(seconds) {
      clearTimeout(this.#pollTimer);
      if (typeof seconds !== "number" || !this.isConnected) return;
      this.#pollTimer = setTimeout(guard(() => this.#poll()), Math.max(0.2, seconds) * 1000);
    }

    async #poll() {
      if (typeof this.#call?.poll_after !== "number") return;
      this.#due = document.hidden;
      if (this.#due) return;
      const turn = this.#turn;
      const answer = await request(this.#own(this.#call.status_url), null, "no-store", this.#etag);
      if (turn !== this.#turn || !this.isConnected) return;
      if (answer.ok) this.#etag = answer.etag;
      if (answer.ok || answer.status === 304) return this.#update(answer.ok ? answer.data : this.#call);
      if ([403, 404, 410].includes(answer.status)) {
        const lost = { state: "ended", outcome: "unknown", outcome_leg: null, cancel_url: null, poll_after: null };
        return this.#update({ ...this.#call, ...lost });
      }
      this.#failures += 1;
      if (this.#failures === 3) this.#render();
      this.#schedule(answer.retryAfter || Math.min(15, 2 ** (this.#failures - 1)) * (0.8 + Math.random() * 0.4));
    }

    #onVisibility = guard(() => !document.hidden && this.#due && this.#poll());

    async #cancel() {
      const call = this.#call;
      if (!call?.cancel_url || this.#canceling) return;
      this.#canceling = true;
      const answer = await request(this.#own(call.cancel_url), {});
      this.#canceling = false;
      if (this.#call?.id !== call.id) return;
      this.#tooLate = answer.status === 409;
      return answer.ok ? this.#update(answer.data) : this.#poll();
    }

    #forget() {
      clearTimeout(this.#pollTimer);
      this.#call = null;
      this.#contact = "";
      this.#turn += 1;
      this.#tooLate = this.#joinedAt = this.#againAt = 0;
      this.#say([]);
      this.#render();
    }

    #again() {
      if (this.#isRunning() || this.#isHeld()) return;
      this.#forget();
      if (this.#opening()) return;
      this.#prepareToken();
      focus(this.#ui.inputs.contact);
    }

    // False when the page asked us not to go on; it gets copies.
    #emit(name, detail = null, cancelable = false) {
      return this.dispatchEvent(new CustomEvent("clicktocall:" + name, { bubbles: true, composed: true, cancelable, detail: JSON.parse(JSON.stringify(detail)) }));
    }
  }

  // For pages that cannot add an element: `data-endpoint` on the script tag.
  const addFloatingButton = () => {
    const { endpoint, contact, context, country, label } = script?.dataset || {};
    const attributes = { endpoint, mode: "floating", api: defaultApi(), contact, context, country, label };
    const twin = endpoint && document.querySelector(`click-to-call[mode="floating"][endpoint="${CSS.escape(endpoint)}"]`);
    if (endpoint && !twin) document.body.append(h("click-to-call", attributes));
  };

  guard(() => {
    if (!sheet) return;
    sheet.replaceSync(STYLE);
    if (!customElements.get("click-to-call")) customElements.define("click-to-call", ClickToCall);
    if (document.body) addFloatingButton();
    else document.addEventListener("DOMContentLoaded", guard(addFloatingButton), { once: true });
  })();
})();
