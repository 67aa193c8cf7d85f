// The parts of Apache ECharts that report/report.js uses.
import { init, use } from "echarts/core";
import { CustomChart, GraphChart, LineChart, ScatterChart } from "echarts/charts";
import { DataZoomComponent, GridComponent, LegendScrollComponent, ToolboxComponent, TooltipComponent } from "echarts/components";
import { CanvasRenderer } from "echarts/renderers";

use([CustomChart, GraphChart, LineChart, ScatterChart, DataZoomComponent, GridComponent, LegendScrollComponent,
     ToolboxComponent, TooltipComponent, CanvasRenderer]);
export { init };
