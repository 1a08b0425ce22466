"use strict";
(function () {
  var charts = [];
  document.querySelectorAll("script[type='application/json'][data-chart]").forEach(function (source) {
    var figure = JSON.parse(source.textContent), place = source.parentElement.querySelector(".plot");
    Plotly.newPlot(place, figure.data, figure.layout, { displayModeBar: false, responsive: true, scrollZoom: false });
    charts.push(place);
  });
  // On paper a chart must fit the sheet, not the screen it was drawn on.
  function fit(width) {
    charts.forEach(function (place) {
      Plotly.relayout(place, width ? { width: Math.min(width, place.parentElement.clientWidth || width), autosize: false } : { width: null, autosize: true });
    });
  }
  window.addEventListener("beforeprint", function () { fit(640); });
  window.addEventListener("afterprint", function () { fit(0); });
  var links = Array.prototype.slice.call(document.querySelectorAll("nav.toc a"));
  if ("IntersectionObserver" in window) {
    var seen = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (!entry.isIntersecting) return;
        links.forEach(function (link) { link.classList.toggle("here", link.getAttribute("href") === "#" + entry.target.id); });
      });
    }, { rootMargin: "-20% 0px -70% 0px" });
    document.querySelectorAll("main > section[id]").forEach(function (section) { seen.observe(section); });
  }
})();
