/** Series and queries with what Prometheus 2.42 itself answers to them (`promtool test rules`), at 303s, off every sample. */
export const at = 303_000;
export const step = 15_000;

/** One value every 15s from 0s on; `_` where there was no sample, `stale` where the series ended. */
export const series: Readonly<Record<string, string>> = {
  'requests{pod="a",code="200"}': "0 30 60 90 120 150 180 210 240 270 300 330 360 390 420 450 480 510 540 570 600",
  'requests{pod="a",code="500"}': "_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ 3 5 5 9 9",
  'requests{pod="b",code="200"}': "100 110 120 130 140 150 160 170 180 190 200 210 4 8 12 16 20 24 28 32 36",
  'requests{pod="c",code="200"}': "7 7 7 8 9 9 9 9 9 9 stale",
  fresh: "_ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ 0 6 12",
  'took_bucket{le="10"}': "0 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30 32 34 36 38 40",
  'took_bucket{le="100"}': "0 5 10 15 20 25 30 35 40 45 50 55 60 65 70 75 80 85 90 95 100",
  'took_bucket{le="+Inf"}': "0 6 12 18 24 30 36 42 48 54 60 66 72 78 84 90 96 102 108 114 120",
  temperature: "20 21 20 19 18 20 25 30 28 20 20 20 20 21 22 23 22 21 20 20 20",
};

/** Result as `{label="value"} number`, in any order. A number alone is a scalar. */
export const cases: readonly { readonly query: string; readonly gives: readonly string[] | number }[] = [
  {
    query: "requests",
    gives: ['requests{code="200",pod="a"} 600', 'requests{code="500",pod="a"} 9', 'requests{code="200",pod="b"} 36'],
  },
  { query: 'requests{code!="200"}', gives: ['requests{code="500",pod="a"} 9'] },
  { query: 'requests{pod=~"b|c"}', gives: ['requests{code="200",pod="b"} 36'] },
  { query: 'requests{pod="c"} offset 3m', gives: ['requests{code="200",pod="c"} 9'] },
  { query: "sum(requests)", gives: ["{} 645"] },
  { query: "sum by (code) (requests)", gives: ['{code="200"} 636', '{code="500"} 9'] },
  { query: "avg without (code) (requests)", gives: ['{pod="a"} 304.5', '{pod="b"} 36'] },
  { query: "count(requests)", gives: ["{} 3"] },
  { query: "topk(1, requests)", gives: ['requests{code="200",pod="a"} 600'] },
  { query: "quantile(0.5, requests)", gives: ["{} 36"] },
  // A steady counter: 45s between the samples in the window, stretched by 12s at its start and 3s at its end.
  { query: 'increase(requests{pod="a",code="200"}[1m])', gives: ['{code="200",pod="a"} 120'] },
  { query: 'rate(requests{pod="a",code="200"}[1m])', gives: ['{code="200",pod="a"} 2'] },
  // A counter that began at zero within the window is not stretched to before that.
  { query: "increase(fresh[1m])", gives: ["{} 13.2"] },
  // The first three errors are never seen, and what is seen is stretched to a fraction.
  { query: 'increase(requests{code="500"}[5m])', gives: ['{code="500",pod="a"} 7.05'] },
  { query: 'increase(requests{code="500"}[1m])', gives: ['{code="500",pod="a"} 5.333333333333333'] },
  // A restart between 165s and 180s: 210 - 130 before it, 36 after, stretched to the window.
  { query: 'increase(requests{pod="b"}[4m30s])', gives: ['{code="200",pod="b"} 122.82352941176471'] },
  { query: 'irate(requests{pod="a",code="200"}[1m])', gives: ['{code="200",pod="a"} 2'] },
  { query: 'resets(requests{pod="b"}[5m])', gives: ['{code="200",pod="b"} 1'] },
  { query: "delta(temperature[2m])", gives: ["{} -1.1428571428571428"] },
  { query: "changes(temperature[1m])", gives: ["{} 1"] },
  { query: "max_over_time(temperature[5m])", gives: ["{} 30"] },
  { query: "avg_over_time(temperature[1m])", gives: ["{} 20.25"] },
  { query: "quantile_over_time(0.5, temperature[2m])", gives: ["{} 21"] },
  { query: 'last_over_time(requests{pod="c"}[5m])', gives: ['requests{code="200",pod="c"} 9'] },
  { query: "max_over_time(sum(rate(requests[50s]))[2m:30s])", gives: ["{} 2.3555555555555556"] },
  { query: 'sum(requests{code="500"}) / sum(requests)', gives: ["{} 0.013953488372093023"] },
  { query: 'sum(requests{code="404"}) / sum(requests)', gives: [] },
  { query: 'sum(requests{code="404"}) or vector(0)', gives: ["{} 0"] },
  { query: 'sum(rate(requests{pod="a",code="200"}[1m] offset 30m)) / 0', gives: [] },
  { query: "vector(0) / vector(0)", gives: ["{} NaN"] },
  { query: "vector(1) / 0", gives: ["{} +Inf"] },
  { query: "histogram_quantile(0.5, took_bucket)", gives: ["{} 40"] },
  { query: "histogram_quantile(0.9, sum by (le) (rate(took_bucket[2m])))", gives: ["{} 100"] },
  { query: "histogram_quantile(0.25, sum by (le) (rate(took_bucket[2m])))", gives: ["{} 7.5"] },
  {
    query: "requests > 30 and on (pod) requests < 40",
    gives: ['requests{code="200",pod="a"} 600', 'requests{code="200",pod="b"} 36'],
  },
  { query: 'requests unless requests{pod="a"}', gives: ['requests{code="200",pod="b"} 36'] },
  {
    query: "requests > bool 30",
    gives: ['{code="200",pod="a"} 1', '{code="500",pod="a"} 0', '{code="200",pod="b"} 1'],
  },
  { query: 'requests{code="500"} / ignoring (code) requests{code="200"}', gives: ['{pod="a"} 0.015'] },
  {
    query: "requests / on (pod) group_left sum by (pod) (requests)",
    gives: [
      '{code="200",pod="a"} 0.9852216748768473',
      '{code="500",pod="a"} 0.014778325123152709',
      '{code="200",pod="b"} 1',
    ],
  },
  {
    query: "requests - requests offset 1m * 0",
    gives: ['{code="200",pod="a"} 600', '{code="500",pod="a"} 9', '{code="200",pod="b"} 36'],
  },
  { query: 'absent(requests{code="404",pod=~"x"})', gives: ['{code="404"} 1'] },
  { query: "absent(requests)", gives: [] },
  { query: "clamp_max(temperature, 15)", gives: ["{} 15"] },
  { query: "round(temperature / 3)", gives: ["{} 7"] },
  { query: "scalar(sum(requests)) * 2", gives: 1290 },
  { query: "scalar(requests)", gives: Number.NaN },
  { query: "-2 ^ 2", gives: -4 },
  { query: "2 ^ 3 ^ 2", gives: 512 },
  { query: "10 - 2 - 3 * 2", gives: 2 },
  { query: "5m", gives: 300 },
];
