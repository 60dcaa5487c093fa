// A number is copied when it is pressed; that is all this page does by itself.
(() => {
  "use strict";

  const status = document.querySelector(".copied");

  const copy = async (button) => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch (error) {
      return; // not allowed here; the number can still be read
    }
    document.querySelectorAll(".copy.done").forEach((other) => other.classList.remove("done"));
    button.classList.add("done");
    status.textContent = `${button.textContent.trim()} is copied.`;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest(".copy");
    if (button) copy(button);
  });
})();
