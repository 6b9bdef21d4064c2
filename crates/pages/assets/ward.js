// What scripts add to pages that work without them: the official components wake up, lists follow what happens, and
// the queue of alerts takes keys.
import { initAll } from "/assets/nhsuk-frontend.js";
import { follow } from "/assets/ward-live.js";
import { takeKeys } from "/assets/ward-keys.js";

// The components start only where this class is; the official layout sets it in an inline script, which our policy
// forbids. Any browser that runs modules is one that they support.
document.body.classList.add("js-enabled", "nhsuk-frontend-supported");
initAll();
follow();
takeKeys();
