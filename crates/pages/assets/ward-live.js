// Parts of a page that are marked with data-ward-live fetch themselves anew when the hub says that something changed.
// What somebody has ticked, typed or focused stays; while something is ticked, nothing moves.

const PAUSE = 3000;

export function follow() {
  if (!document.querySelector("[data-ward-live]") || !window.EventSource) {
    return;
  }
  let source;
  let waiting;
  let known;
  const begin = () => {
    source = new EventSource("/live");
    source.addEventListener("following", (event) => {
      // After a pause something may have happened.
      if (known && known !== event.data) {
        soon();
      }
      known = event.data;
    });
    source.addEventListener("changed", (event) => {
      known = event.data;
      soon();
    });
    source.addEventListener("ended", () => {
      end();
      tell("You are signed out. What you see is not up to date any more.", "Sign in again", location.href);
    });
  };
  const end = () => {
    source?.close();
    source = undefined;
  };
  const soon = () => {
    waiting ??= setTimeout(() => {
      waiting = undefined;
      anew();
    }, PAUSE * Math.random());
  };
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      end();
    } else if (!source) {
      begin();
    }
  });
  begin();
}

async function anew() {
  if (document.querySelector("[data-ward-live] input:checked")) {
    tell("There is something new.", "Show it", location.href);
    return;
  }
  const answer = await fetch(location.href, { headers: { "X-Ward-By-Itself": "1" } });
  if (!answer.ok || answer.redirected) {
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-ward-live]")) {
    const fresh = page.querySelector(`[data-ward-live="${part.dataset.wardLive}"]`);
    if (!fresh || fresh.innerHTML === part.innerHTML) {
      continue;
    }
    const focused = part.contains(document.activeElement) ? document.activeElement : undefined;
    const place = focused && (focused.id ? `#${CSS.escape(focused.id)}` : link(focused));
    const open = [...part.querySelectorAll("details")].map((details) => details.open);
    part.replaceChildren(...document.adoptNode(fresh).childNodes);
    part.querySelectorAll("details").forEach((details, nth) => {
      details.open = open[nth] ?? false;
    });
    if (place) {
      part.querySelector(place)?.focus({ preventScroll: true });
    }
  }
}

function link(element) {
  const href = element.getAttribute("href");
  return href && `a[href="${CSS.escape(href)}"]`;
}

// One line above the content, read aloud when it appears.
function tell(text, more, href) {
  let line = document.querySelector(".ward-told");
  if (!line) {
    line = document.createElement("p");
    line.className = "ward-told";
    line.setAttribute("role", "status");
    document.querySelector("main").prepend(line);
  }
  const way = document.createElement("a");
  way.href = href;
  way.textContent = more;
  line.replaceChildren(text, " ", way);
}
