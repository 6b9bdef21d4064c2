// Keys in the queue of alerts and on the form of a verdict. Each but "j" works only where the focus is (WCAG 2.2, 2.1.4),
// and none where somebody types.

export function takeKeys() {
  if (document.querySelector("[data-ward-queue]")) {
    document.addEventListener("keydown", inQueue);
  }
  const form = document.querySelector("[data-ward-verdict]");
  if (form) {
    choose(form);
    form.addEventListener("keydown", (event) => inVerdict(event, form));
  }
}

const VERDICTS = { f: "false_positive", t: "true_positive", b: "benign" };

function inQueue(event) {
  if (types(event)) {
    return;
  }
  const rows = [...document.querySelectorAll("[data-ward-alert]")];
  const row = document.activeElement?.closest("[data-ward-alert]");
  const at = rows.indexOf(row);
  if (event.key === "j" || event.key === "k") {
    const next = event.key === "j" ? at + 1 : at - 1;
    rows[Math.min(Math.max(next, 0), rows.length - 1)]?.querySelector("a").focus();
  } else if (row && event.key === "x") {
    row.querySelector("input[type=checkbox]")?.click();
  } else if (row && VERDICTS[event.key]) {
    location.href = `/alerts/${row.dataset.wardAlert}#verdict=${VERDICTS[event.key]}`;
  } else {
    return;
  }
  event.preventDefault();
}

function inVerdict(event, form) {
  const reasons = form.elements.why;
  const nth = Number(event.key);
  if (event.target.type !== "text" && nth >= 1 && nth < reasons.options.length) {
    reasons.selectedIndex = nth;
    reasons.focus();
    event.preventDefault();
  } else if (event.key === "Enter" && (event.target === reasons || event.target.type === "radio")) {
    form.requestSubmit();
    event.preventDefault();
  }
}

// The verdict that a key of the queue has chosen.
function choose(form) {
  const chosen = new URLSearchParams(location.hash.slice(1)).get("verdict");
  const radio = chosen && form.querySelector(`input[name=verdict][value="${CSS.escape(chosen)}"]`);
  if (radio) {
    radio.checked = true;
    radio.focus();
    radio.scrollIntoView({ block: "center" });
  }
}

function types(event) {
  const { tagName, type } = event.target;
  const field = tagName === "TEXTAREA" || tagName === "SELECT" || (tagName === "INPUT" && type !== "checkbox");
  return field || event.ctrlKey || event.altKey || event.metaKey;
}
