// Browsers start no worker from a file. Where the site is opened from a folder, the script of the
// search worker therefore runs in a hidden frame. On a server, real workers are used.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const frame = document.createElement("iframe")
      frame.hidden = true
      frame.title = "Search"
      this.inside = new Promise(resolve => {
        frame.addEventListener("load", () => {
          const inside = frame.contentWindow
          const load = source =>
            new Promise((done, failed) => {
              const script = inside.document.createElement("script")
              Object.assign(script, { src: source, onload: done, onerror: failed })
              inside.document.body.append(script)
            })
          inside.importScripts = async (...sources) => {
            for (const source of sources) await load(source)
          }
          inside.postMessage = data => this.dispatchEvent(new MessageEvent("message", { data }))
          load(url).then(() => resolve(inside))
        }, { once: true })
      })
      frame.srcdoc = "<!doctype html>"
      const place = document.body ?? document.documentElement
      place.append(frame)
    }

    async postMessage(data) {
      const inside = await this.inside
      inside.dispatchEvent(new MessageEvent("message", { data }))
    }

    terminate() {}
  }
}
