// What scripts add to pages that work without them: the official components wake up.
import { initAll } from "/assets/nhsuk-frontend.js";

// The components start only where this class is; the official layout sets it in an inline script, which our policy
// forbids. Any browser that runs modules is one that they support.
document.body.classList.add("js-enabled", "nhsuk-frontend-supported");
initAll();
