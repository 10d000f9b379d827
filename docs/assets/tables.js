// Tables that are wider than the page scroll: a keyboard has to reach them for that.
new MutationObserver(() => {
  for (const table of document.querySelectorAll(".md-typeset__scrollwrap")) table.tabIndex = 0
}).observe(document.documentElement, { childList: true, subtree: true })
