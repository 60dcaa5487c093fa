// Puts a copy button beside every [data-ctc-copy] that holds a text to copy.
"use strict";
{
  const copy = async (field) => {
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      // No clipboard on a page without HTTPS: the older way copies what is selected.
      field.select();
      if (!document.execCommand("copy")) return false;
    }
    return true;
  };

  const furnish = (holder) => {
    const field = holder.querySelector("textarea");
    const words = holder.closest("[data-ctc-label]")?.dataset ?? {};
    const label = words.ctcLabel ?? "Copy";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button ctc-copy-button";
    button.textContent = label;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      if (!(await copy(field))) return;
      button.textContent = words.ctcDone ?? "Copied";
      setTimeout(() => (button.textContent = label), 2000);
    });
    field.addEventListener("focus", () => field.select());
    holder.append(button);
  };

  const start = () => document.querySelectorAll("[data-ctc-copy]").forEach(furnish);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
}
