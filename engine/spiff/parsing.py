"""From BPMN nodes to our specs. What we do not execute is refused here, never read as something else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.parser.ProcessParser import ProcessParser
from SpiffWorkflow.bpmn.parser.task_parsers import SubprocessParser
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.bpmn.specs.event_definitions.simple import NoneEventDefinition

from engine.expressions import Expression, ExpressionError, compile_expression
from engine.spiff import gateways, specs
from engine.spiff.events import CycleTimer, Fault, Message, Terminate, Timer
from engine.spiff.facts import NAMESPACES, properties, tag_of
from engine.xml import xml_bool

# Which event definitions each kind of event may have. Start events never wait: who starts a process brings the data.
ALLOWED = {
    "startEvent": {"messageEventDefinition", "timerEventDefinition"},
    "endEvent": {
        "messageEventDefinition",
        "errorEventDefinition",
        "escalationEventDefinition",
        "terminateEventDefinition",
    },
    "intermediateCatchEvent": {"messageEventDefinition", "timerEventDefinition"},
    "intermediateThrowEvent": {"messageEventDefinition", "escalationEventDefinition"},
    "boundaryEvent": {
        "messageEventDefinition",
        "timerEventDefinition",
        "errorEventDefinition",
        "escalationEventDefinition",
    },
}


class StepParser(TaskParser):  # type: ignore[misc]
    """Common ground: own multi-instance classes, properties, expressions, refusals with their line."""

    PARALLEL_MI_CLASS = specs.ParallelInstances
    SEQUENTIAL_MI_CLASS = specs.SequentialInstances

    def create_task(self) -> Any:
        """Make the spec of this node."""
        return self.spec_class(self.spec, self.bpmn_id, **self.attributes())

    def attributes(self) -> dict[str, Any]:
        """What every spec gets from its node."""
        self.refuse_if(self.xpath("./bpmn:standardLoopCharacteristics"), "不执行标准循环，请把循环画出来")
        attributes: dict[str, Any] = self.bpmn_attributes
        return attributes

    @property
    def properties(self) -> Mapping[str, str]:
        """The node's ``spiffworkflow:property`` values."""
        return properties(self.node)

    def expression(self, text: str | None, what: str) -> Expression:
        """The checked expression ``text``."""
        try:
            return compile_expression((text or "").strip())
        except ExpressionError as error:
            raise self.refused(f"{what}: {error}") from error

    def refuse_if(self, found: Any, why: str) -> None:
        """Refuse the node when ``found`` is true."""
        if found:
            raise self.refused(why)

    def refused(self, why: str) -> ValidationException:
        """The refusal of this node."""
        return ValidationException(why, node=self.node, file_name=self.filename)

    def connect_outgoing(self, outgoing_task: Any, sequence_flow_node: etree._Element, is_default: bool) -> None:
        """Connect, and refuse a condition that only a gateway would ask."""
        self.refuse_if(self.parse_condition(sequence_flow_node) is not None, "条件只能写在网关后面的连线上")
        super().connect_outgoing(outgoing_task, sequence_flow_node, is_default)


class AskingParser(StepParser):
    """Service and business rule tasks."""

    def create_task(self) -> Any:
        """The spec with the one key that it writes."""
        return self.spec_class(self.spec, self.bpmn_id, result=self.properties.get("result"), **self.attributes())


class ForkParser(StepParser):
    """Parallel gateways."""

    def handles_multiple_outgoing(self) -> bool:
        """A fork has several ways out."""
        return True


class ChoiceParser(ForkParser):
    """Exclusive gateways: conditions in the order of the file."""

    def connect_outgoing(self, outgoing_task: Any, sequence_flow_node: etree._Element, is_default: bool) -> None:
        """Add one flow with its condition."""
        outgoing = self.process_parser.get_outgoing_sequence_flows(self.bpmn_id)
        text = self.parse_condition(sequence_flow_node)
        is_default = is_default or (len(outgoing) == 1 and text is None)
        self.refuse_if(text is None and not is_default, "这条连线没有条件，也不是默认连线")
        condition = None if is_default else self.expression(text, "条件")
        position = outgoing.index(sequence_flow_node)
        flow = gateways.Flow(sequence_flow_node.get("id", ""), outgoing_task.name, condition, position)
        self.task.add_flow(flow, outgoing_task, is_default)


class EventGatewayParser(ForkParser):
    """Event-based gateways: the catch events behind them tell what to wait for."""

    def connect_outgoing(self, outgoing_task: Any, sequence_flow_node: etree._Element, is_default: bool) -> None:
        """Take over what the catch event waits for."""
        self.refuse_if(not isinstance(outgoing_task, specs.Catch), "事件网关后面只能是捕获事件")
        definition = outgoing_task.event_definition
        self.refuse_if(not isinstance(definition, Message | Timer), "事件网关只等待消息、日期或时长")
        self.task.add_branch(outgoing_task, NoneEventDefinition())


class EventParser(StepParser):
    """Events of all kinds."""

    def create_task(self) -> Any:
        """The event with its definition."""
        task = self.spec_class(self.spec, self.bpmn_id, event_definition=self.definition(), **self.attributes())
        if "outcome" in self.properties:
            task.outcome = self.properties["outcome"]
        return task

    def definition(self) -> Any:
        """What the event waits for or throws; more than one, or a kind that we do not execute, is refused."""
        nodes = [child for child in self.node if (tag_of(child) or "").endswith("EventDefinition")]
        if not nodes:
            return NoneEventDefinition()
        kind = tag_of(nodes[0]) or ""
        self.refuse_if(len(nodes) > 1, "一个事件只能有一种定义")
        self.refuse_if(kind not in ALLOWED[tag_of(self.node) or ""], f"这里不执行 {kind}")
        reader = {
            "messageEventDefinition": self._message,
            "timerEventDefinition": self._timer,
            "errorEventDefinition": self._fault,
            "escalationEventDefinition": self._fault,
            "terminateEventDefinition": lambda node: Terminate(),
        }[kind]
        return reader(nodes[0])  # type: ignore[no-untyped-call]

    def _message(self, node: etree._Element) -> Message:
        message = self._referenced(node, "message")
        payload = self._extension(message, "messagePayload") or self._extension(node, "messagePayload")
        variable = self._extension(message, "messageVariable") or self._extension(node, "messageVariable")
        expression = self.expression(payload, "消息内容") if payload else None
        return Message(message.get("name", ""), expression, variable, self.properties.get("key"))

    def _timer(self, node: etree._Element) -> Timer | CycleTimer:
        for kind in ("timeDate", "timeDuration", "timeCycle"):
            found = node.find(f"bpmn:{kind}", NAMESPACES)
            if found is not None:
                text = self.expression(found.text, kind)
                return CycleTimer(self.bpmn_id, text) if kind == "timeCycle" else Timer(self.bpmn_id, text, kind)
        raise self.refused("定时器没有写日期、时长或周期")

    def _fault(self, node: etree._Element) -> Fault:
        kind = "error" if tag_of(node) == "errorEventDefinition" else "escalation"
        if not node.get(f"{kind}Ref"):
            self.refuse_if(tag_of(self.node) != "boundaryEvent", "抛出的错误或升级必须有代码")
            return Fault(kind, kind, None)
        referenced = self._referenced(node, kind)
        code = referenced.get(f"{kind}Code")
        self.refuse_if(not code, f"{referenced.get('id')} 没有代码")
        return Fault(kind, referenced.get("name", ""), code)

    def _referenced(self, node: etree._Element, tag: str) -> etree._Element:
        reference = node.get(f"{tag}Ref")
        root: etree._Element = self.node.getroottree().getroot()
        for found in root.iterfind(f"bpmn:{tag}", NAMESPACES):
            if found.get("id") == reference:
                return found
        raise self.refused(f"这个文件里没有 {tag} {reference!r}")

    @staticmethod
    def _extension(node: etree._Element, name: str) -> str | None:
        text = node.findtext(f"bpmn:extensionElements/spiffworkflow:{name}", None, NAMESPACES)
        return text.strip() if text and text.strip() else None


class StartParser(EventParser):
    """Start events pass at once."""

    def create_task(self) -> Any:
        """Connect the start of the process to it."""
        self.definition()  # refuses kinds that we do not execute
        task = self.spec_class(self.spec, self.bpmn_id, event_definition=NoneEventDefinition(), **self.attributes())
        self.spec.start.connect(task)
        return task


class EndParser(EventParser):
    """End events; a side end is reached beside the work and does not end the process."""

    def create_task(self) -> Any:
        """Connect it to the end of the process unless it is a side end."""
        task = super().create_task()
        if self.properties.get("side") != "true":
            task.connect(self.spec.end)
        return task


class BoundaryParser(EventParser):
    """Boundary events."""

    def attributes(self) -> dict[str, Any]:
        """Whether it interrupts; an error always does."""
        interrupting = bool(xml_bool(self.node, "cancelActivity", default=True))
        is_error = self.node.find("bpmn:errorEventDefinition", NAMESPACES) is not None
        self.refuse_if(is_error and not interrupting, "错误边界事件总是中断的")
        self.refuse_if(
            not any((tag_of(child) or "").endswith("EventDefinition") for child in self.node), "这个事件没有写等待什么"
        )
        is_cycle = self.node.find("bpmn:timerEventDefinition/bpmn:timeCycle", NAMESPACES) is not None
        self.refuse_if(is_cycle and interrupting, "周期不能中断，请用时长或日期")
        return {**super().attributes(), "cancel_activity": interrupting}


class CatchParser(EventParser):
    """Intermediate catch events."""

    def definition(self) -> Any:
        """One message, date or duration."""
        definition = super().definition()
        self.refuse_if(isinstance(definition, CycleTimer), "周期只能用在边界上")
        self.refuse_if(isinstance(definition, NoneEventDefinition), "这个事件没有写等待什么")
        return definition


class SubProcessParser(StepParser):
    """Embedded sub-processes."""

    def create_task(self) -> Any:
        """Parse what is inside as an own process."""
        self.refuse_if(xml_bool(self.node, "triggeredByEvent", default=False), "不执行事件子流程")
        inner = SubprocessParser.get_subprocess_spec(self)
        return self.spec_class(self.spec, self.bpmn_id, subworkflow_spec=inner, **self.attributes())


class CallParser(StepParser):
    """Call activities."""

    def create_task(self) -> Any:
        """Remember which process is called."""
        called = SubprocessParser.get_call_activity_spec(self)
        return self.spec_class(self.spec, self.bpmn_id, subworkflow_spec=called, **self.attributes())


class OneStartParser(ProcessParser):  # type: ignore[misc]
    """A process has exactly one start event."""

    def add_tasks(self) -> None:
        """Parse from the start event on."""
        if len(self.xpath("./bpmn:startEvent")) != 1:
            raise ValidationException("必须正好有一个开始事件", node=self.node, file_name=self.filename)
        super().add_tasks()


class DeskParser(BpmnParser):  # type: ignore[misc]
    """The parser of the dialect: exactly the elements that we execute."""

    PROCESS_PARSER_CLASS = OneStartParser
    PARSER_CLASSES = {  # noqa: RUF012 - the library's own name for it
        full_tag("startEvent"): (StartParser, specs.Start),
        full_tag("endEvent"): (EndParser, specs.End),
        full_tag("intermediateCatchEvent"): (CatchParser, specs.Catch),
        full_tag("intermediateThrowEvent"): (EventParser, specs.Throw),
        full_tag("boundaryEvent"): (BoundaryParser, specs.Boundary),
        full_tag("userTask"): (StepParser, specs.UserTask),
        full_tag("serviceTask"): (AskingParser, specs.ServiceTask),
        full_tag("businessRuleTask"): (AskingParser, specs.BusinessRuleTask),
        full_tag("exclusiveGateway"): (ChoiceParser, gateways.ExclusiveGateway),
        full_tag("parallelGateway"): (ForkParser, gateways.ParallelGateway),
        full_tag("eventBasedGateway"): (EventGatewayParser, gateways.EventGateway),
        full_tag("callActivity"): (CallParser, specs.Call),
        full_tag("subProcess"): (SubProcessParser, specs.SubProcess),
    }
