// Shows every <time class="ctc-time"> in the viewer's own zone; the exact value is in its title.
"use strict";
{
  const show = () => {
    // The page's language, in the viewer's own manner where that is the same language.
    const page = document.documentElement.lang;
    const language = navigator.languages.find((own) => own.split("-")[0] === page.split("-")[0]) ?? page;
    const full = { year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit" };
    const { year: _year, ...ofThisYear } = full;
    const long = new Intl.DateTimeFormat(language || undefined, full);
    const short = new Intl.DateTimeFormat(language || undefined, ofThisYear);
    const now = new Date();
    for (const time of document.querySelectorAll("time.ctc-time")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.title = `${time.dateTime.replace("T", " ").replace("Z", " UTC")}\n${time.title}`;
      time.textContent = (at.getFullYear() === now.getFullYear() ? short : long).format(at);
    }
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", show);
  else show();
}
