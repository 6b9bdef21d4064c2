// Looks at pages: do they fit, can everybody use them, did anything go wrong while they were shown?
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

// Small radios and checkboxes of the official style draw the box as a part of its label, so that axe-core cannot tell what
// is behind the text: it is the page, as for the labels of large ones, whose contrast it does tell.
const EXPLAINED = /^color-contrast \((label\[for="[a-z0-9-]+"\]( > strong)?(, )?)+\)$/;

export class Look {
  problems = [];
  figures = {};
  looked = 0;

  constructor(output) {
    this.output = output;
  }

  expect(good, what) {
    if (!good) {
      this.problems.push(what);
    }
  }

  // Whatever a page complains about is a problem.
  follow(page, who) {
    page.on("console", (message) => {
      // A form that must be put right answers 422, which Chromium mentions.
      const expected = message.text().includes("status of 422");
      if (["error", "warning"].includes(message.type()) && !expected) {
        this.problems.push(`${who}: ${page.url()}: ${message.text()}`);
      }
    });
    page.on("pageerror", (error) => this.problems.push(`${who}: ${page.url()}: ${error}`));
  }

  async shoot(page, name) {
    await page.screenshot({ path: `${this.output}/${name}.png`, fullPage: true });
  }

  async at(page, name) {
    this.looked += 1;
    const [shown, there] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      document.documentElement.clientWidth,
    ]);
    this.expect(shown <= there, `${name}: ${shown} wide in ${there}`);
    await this.shoot(page, name);
    // By the debugger, which no policy of the page concerns.
    await page.evaluate(axe);
    const found = await page.evaluate(async (rules) => {
      const all = await window.axe.run({ runOnly: { type: "tag", values: rules } });
      const short = (many) => many.map((one) => `${one.id} (${one.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")})`);
      return { violations: short(all.violations), incomplete: short(all.incomplete) };
    }, RULES);
    for (const violation of found.violations) {
      this.problems.push(`${name}: ${violation}`);
    }
    for (const unsure of found.incomplete) {
      if (EXPLAINED.test(unsure)) {
        this.figures.explained = (this.figures.explained ?? 0) + 1;
      } else {
        this.problems.push(`${name}: not told by axe-core: ${unsure}`);
      }
    }
  }
}
