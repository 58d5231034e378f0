// Somebody in front of the chat page, who sees what is on it and uses what it offers.

import { until } from "./until.mjs";

export class Person {
  constructor(house, context, page, nick) {
    Object.assign(this, { house, context, page, nick });
  }

  /** Opens the chat for the first time and gives a nickname. */
  async enter(url, query = "") {
    await this.page.goto(`${url}/chat${query}`);
    await this.page.getByLabel("Nickname").fill(this.nick);
    await this.page.getByRole("button", { name: "Start chatting" }).click();
    await this.online();
  }

  /** Waits until the page is connected and in its room. */
  async online() {
    await this.page.locator("#connection[data-state=online]").waitFor();
    await this.page.locator("#subtitle", { hasText: /here$|Private/ }).waitFor();
  }

  /** Waits until the page says which transport it is on. */
  async onTransport(name) {
    await this.page.locator("#connection-text", { hasText: name }).waitFor();
  }

  /** Another tab of the same browser. */
  async tab(url) {
    const page = await this.house.page(this.context);
    const tab = new Person(this.house, this.context, page, this.nick);
    await page.goto(`${url}/chat`);
    await tab.online();
    return tab;
  }

  async write(text) {
    await this.page.getByLabel("Message", { exact: true }).fill(text);
  }

  async say(text) {
    await this.write(text);
    await this.page.getByLabel("Message", { exact: true }).press("Enter");
  }

  /** Waits for a message to be on the page, and to be accepted if it is an own one. */
  async sees(text) {
    await this.page.locator(".message.sent .words", { hasText: text }).first().waitFor();
  }

  /** The texts of all messages that are on the page, in order. */
  async messages() {
    return this.page.locator(".message .words").allTextContents();
  }

  /** Waits until exactly these messages are on the page. */
  async seesExactly(...texts) {
    await this.until("the messages", () => this.messages(), texts);
    await this.until("messages that are not accepted", () => this.page.locator(".message.pending, .message.failed").count(), 0);
  }

  async notices() {
    return this.page.locator(".notice").allTextContents();
  }

  async people() {
    return this.page.locator("#people .name").allTextContents();
  }

  async seesPeople(...nicks) {
    await this.until("who is here", () => this.people(), nicks);
  }

  /**
   * Goes on writing until another person sees it. A notice of typing is volatile: who has no
   * time for one, as during an upgrade, hears the next, which comes while somebody writes.
   */
  async writeUntilSeen(text, other, notice) {
    await this.write(text);
    const composer = this.page.locator("#text");
    await this.until(`that ${notice}`, async () => {
      const seen = await other.page.locator("#typing").textContent();
      if (seen.includes(notice)) return true;
      await composer.press("End");
      await composer.pressSequentially(".");
      return false;
    }, true);
  }

  async seesTyping(text) {
    await this.page.locator("#typing", { hasText: text }).waitFor();
  }

  async seesNobodyTyping() {
    await this.until("who is typing", () => this.page.locator("#typing").textContent(), "");
  }

  async join(room) {
    await this.page.getByLabel("Room to join").fill(room);
    await this.page.getByLabel("Room to join").press("Enter");
  }

  async open(conversation) {
    await this.page.getByRole("navigation", { name: "Conversations" }).getByRole("button", { name: conversation }).click();
  }

  async writeTo(nick) {
    await this.page.locator("#people").getByRole("button", { name: nick }).click();
  }

  /** Waits until the notices of who came and went are these. */
  async seesNotices(...texts) {
    await this.until("the notices", () => this.notices(), texts);
  }

  /** Waits until look() gives what is wanted. */
  async until(what, look, wanted) {
    await until(`${what}, as ${this.nick} sees it`, look, wanted);
  }
}
