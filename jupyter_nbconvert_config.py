"""`jupyter nbconvert --to html`, started here, makes pages whose pictures have text alternatives."""

from pathlib import Path

c = get_config()  # noqa: F821
c.TemplateExporter.extra_template_basedirs = [str(Path(__file__).parent / "dlimlib" / "course")]
c.HTMLExporter.template_name = "page"
