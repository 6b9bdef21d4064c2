// Somebody with a password and a phone.
import { createHmac } from "node:crypto";

const PASSWORD = "violet tractor beneath noon";

export class Person {
  constructor(site, name, role, link) {
    Object.assign(this, { site, name, role, link });
  }

  // The first time by the link, then by password and phone.
  async comeIn(page, look) {
    if (this.email) {
      await this.signIn(page);
      return;
    }
    await page.goto(this.link);
    await look.at(page, `${this.role}-link`);
    await page.fill("#password", PASSWORD);
    await page.fill("#again", PASSWORD);
    this.email = await page.inputValue("input[name=username]");
    await page.click("main button[type=submit]:has-text('Continue')");
    this.secret = await page.innerText(".ward-letters");
    await look.at(page, `${this.role}-set-up`);
    await page.fill("#digits", await this.digits());
    await page.click("main button[type=submit]:has-text('Continue')");
    const codes = await page.locator(".ward-letters").count();
    look.expect(codes === 10, `${codes} recovery codes`);
    await look.at(page, `${this.role}-codes`);
    await page.click("main a:has-text('I have kept them')");
  }

  async signIn(page) {
    await page.goto(`${this.site}/sign-in`);
    await page.fill("#email", this.email);
    await page.fill("#password", PASSWORD);
    await page.click("main button:has-text('Sign in')");
    await page.fill("#digits", await this.digits());
    await page.click("main button:has-text('Continue')");
  }

  // Digits of a step that was not used yet (RFC 6238): the hub takes each once.
  async digits() {
    let step;
    while ((step = Math.floor(Date.now() / 30_000)) <= (this.used ?? 0)) {
      await new Promise((after) => setTimeout(after, 500));
    }
    this.used = step;
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(step));
    const digest = createHmac("sha1", base32(this.secret)).update(counter).digest();
    const at = digest[19] & 15;
    return String((digest.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, "0");
  }
}

function base32(text) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  let bits = "";
  for (const letter of text.replaceAll(" ", "")) {
    bits += letters.indexOf(letter).toString(2).padStart(5, "0");
  }
  return Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
}
