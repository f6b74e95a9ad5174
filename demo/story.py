"""The scripted year, from the directive of 14/6/2024 to the ratings decided by 15/12/2024 and what came after them, in
the order it happened.

People are named by their posts (p14: Văn phòng – Thống kê, who keeps the follow-up; p01: Chủ tịch; p02, p03: the two
Phó Chủ tịch). Task numbers are those of the annex. Who does what is made up; the dates are working days of 2024.
"""

from datetime import date

from demo.follow_up import FollowUp
from demo.year import Year
from demo.year_end import YearEnd
from services.tasks.domain.organisation import RecordAbsence
from shared.events import Recurrence, UnitFigures

INITIATIVE = "Đề xuất sáng kiến, giải pháp mới trong CCHC"
INITIATIVE_LEADS = ("p13", "p17", "p21", "p23", "p25", "p26", "p27", "p28", "p29", "p30", "p31")
VILLAGE_HEADS = tuple(f"p{number}" for number in range(36, 44))
# Who rates themselves on the screen; village heads hand in paper, and p30 was away for most of the year.
PEOPLE = ("p01", "p02", "p03", *(f"p{number}" for number in range(13, 32) if number not in (19, 30)))
SELF_ASSESSED = {
    "p02": ("hoan_thanh", "Mảng kinh tế còn 5 chỉ tiêu chưa đạt"),
    "p13": ("xuat_sac",),
    "p14": ("tot", "Hai việc trễ đều dưới mười ngày làm việc"),
    "p16": ("xuat_sac",),
    "p21": ("hoan_thanh",),
    "p22": ("hoan_thanh",),
    "p28": ("hoan_thanh",),
    "p36": ("xuat_sac",),
}
# Rated by the district; the Office records what came from there.
ABOVE = ("p01", "p02")
LEVELS = ("xuat_sac", "tot", "hoan_thanh", "khong_hoan_thanh")
LEFT_TO_PEOPLE = {"p03": "tot", "p18": "hoan_thanh", "p28": "khong_hoan_thanh", "p41": "hoan_thanh"}
# Where the meeting was not of one mind: how many were for the level.
DIVIDED = {"p14": 22, "p18": 17, "p21": 24, "p28": 15, "p41": 23}
ONLINE = "Vận động hộ dân nộp hồ sơ trực tuyến, thanh toán không dùng tiền mặt"


def tell(year: Year) -> None:
    """Everything that happened."""
    june(year)
    july(year)
    august(year)
    september(year)
    october(year)
    november(year)
    december(year)
    year_end(year)


def june(year: Year) -> None:
    year.on("2024-06-14")
    year.open_commune()
    year.publish_calendar("r1", without=("2024-09-03",))
    year.import_roster()
    year.define_areas()
    year.issue_directive()
    year.import_annex()

    # The rows that waited for a person.
    year.settle("1", [year.regular("1", lead="p14", text="Đã ban hành, tiếp tục thực hiện", cadence="quarter")])
    year.settle("2", [])
    year.settle("5", [year.part("5", "kế hoạch", due="2024-06-29"), year.part("5", "kiểm tra", due="2024-09-30")])
    quarterly = Recurrence(every="quarter", day="last")
    year.settle("9", [year.each_period("9", lead, quarterly, "Hằng quý, theo lịch họp thôn") for lead in VILLAGE_HEADS])
    year.settle("10", [year.part("10", lead, lead=lead, due="2024-09-30") for lead in INITIATIVE_LEADS])
    parts = [year.part("11", "quý III", due="2024-09-30"), year.part("11", "quý IV", due="2024-12-31")]
    year.settle("11", parts)
    year.settle("14", [year.part("14", "", lead="p16", collaborators=["p14"], due="2024-08-30")])
    year.settle("17", [year.regular("17", lead="p15", text="Khi có hồ sơ quá hạn", cadence="month")])
    year.settle("23", [year.part("23", "đợt 1", due="2024-06-30"), year.part("23", "đợt 2", due="2024-11-30")])
    year.settle("39", [year.part("39", "", due="2024-11-30")])
    year.settle("40", [year.part("40", day, due=day) for day in ("2024-06-20", "2024-09-20", "2024-12-10")])

    year.on("2024-06-17")
    year.assign(
        "đất đai",
        "Rà soát hồ sơ đất đai tồn đọng, lập danh mục xử lý",
        lead="p19",
        due="2024-08-15",
        field=2,
        product="Danh mục; phương án",
    )
    year.acknowledge("3", "4", "5 kế hoạch", "24", "32", "35", "đất đai")

    year.on("2024-06-21")
    year.report("40 2024-06-20", "Báo cáo quý II nộp chậm một ngày")
    year.on("2024-06-24")
    year.accept("40 2024-06-20")

    year.on("2024-06-27")
    year.progress("4", "Đã họp quán triệt toàn thể, đang hoàn thiện bảng phân công", percent=70)
    year.report("32", "Đã ban hành Quyết định về Quy chế chi tiêu nội bộ", evidence="quy-che-chi-tieu.pdf")
    year.report("23 đợt 1", "Phát 120 phiếu, thu 118 phiếu, tỷ lệ hài lòng 96 %")
    year.on("2024-06-28")
    year.accept("32", "23 đợt 1")
    year.report("4", "Biên bản họp và Bảng phân công đã gửi các ngành", evidence="bang-phan-cong.pdf")
    year.report("5 kế hoạch", "Đã ban hành Kế hoạch tự kiểm tra")
    year.on("2024-07-01")


def july(year: Year) -> None:
    year.accept("4", "5 kế hoạch")
    # p19 moved to another commune: the task goes on with the successor in the post.
    year.hand_back("đất đai", "reassigned", "p19 chuyển công tác từ ngày 01/7/2024", by="p03")
    year.assign(
        "đất đai tiếp",
        "Rà soát hồ sơ đất đai tồn đọng, lập danh mục xử lý",
        lead="p20",
        due="2024-08-30",
        field=2,
        product="Danh mục; phương án",
        taken_over_from="đất đai",
    )
    year.assign("10 p20", INITIATIVE, lead="p20", due="2024-09-30", product="Phiếu đề xuất")
    year.office(RecordAbsence(staff="p29", absence="p29-2024-1", kind="insured", from_=date(2024, 7, 1)))
    year.office(RecordAbsence(staff="p30", absence="p30-2024-1", kind="unpaid", from_=date(2024, 1, 15)))
    year.office(
        RecordAbsence(
            staff="p23",
            absence="p23-2024-1",
            kind="protected",
            from_=date(2024, 5, 1),
            to=date(2024, 10, 31),
            substitute="p31",
        )
    )

    year.on("2024-07-10")
    year.extension("3", "2024-07-26", "Chờ Sở Nội vụ công bố bảng điểm chi tiết")
    year.on("2024-07-12")
    year.grant("3", "Lý do chính đáng, xin trước hạn")
    year.on("2024-07-24")
    year.report("3", "Báo cáo phân tích và Kế hoạch khắc phục", evidence="phan-tich-chi-so.pdf")
    year.report("28 2024-07", "Đã lập phiếu theo dõi tháng 7")
    year.on("2024-07-25")
    year.accept("3", "28 2024-07")
    year.correct_title("38", "Duy trì, cải tiến hệ thống quản lý chất lượng ISO 9001:2015", "Viết đủ tên hệ thống")


def august(year: Year) -> None:
    year.on("2024-08-02")
    # Two days after their date.
    year.report("24", "Quyết định ban hành Quy chế làm việc (sửa đổi)")
    year.report("35", "Kế hoạch chuyển đổi số 6 tháng cuối năm")
    year.report("8 2024-07", "02 tin, 01 bài")
    one_stop(year, "2024-07")
    year.on("2024-08-05")
    year.accept("24", "35", "8 2024-07")
    accept_one_stop(year, "2024-07")
    year.office(
        RecordAbsence(staff="p30", absence="p30-2024-1", kind="unpaid", from_=date(2024, 1, 15), to=date(2024, 8, 15))
    )

    year.on("2024-08-14")
    year.assign(
        "họp trực tuyến", "Lắp đặt phòng họp trực tuyến xã", lead="p25", due="2024-09-16", field=6, origin="ad_hoc"
    )
    year.on("2024-08-19")
    year.hand_back("họp trực tuyến", "unable", "Không có chuyên môn kỹ thuật", by="p25")
    year.assign(
        "họp trực tuyến tiếp",
        "Lắp đặt phòng họp trực tuyến xã",
        lead="p27",
        due="2024-09-30",
        field=6,
        origin="taken_over",
        taken_over_from="họp trực tuyến",
    )
    year.on("2024-08-22")
    year.report("28 2024-08", "Đã lập phiếu theo dõi tháng 8")
    year.on("2024-08-26")
    year.accept("28 2024-08")
    year.on("2024-08-28")
    year.report("14", "Báo cáo rà soát 132 thủ tục, kiến nghị đơn giản hóa 3", evidence="ra-soat-tthc.pdf")
    year.report("đất đai tiếp", "Danh mục 47 hồ sơ, phương án xử lý từng hồ sơ")
    year.on("2024-08-29")
    year.accept("14", exceeded="Kiến nghị đơn giản hóa 3 thủ tục, ngoài yêu cầu rà soát")
    year.accept("đất đai tiếp")
    year.assign_working_days(
        "niêm yết", "Niêm yết bộ thủ tục mới theo Quyết định công bố ngày 29/8/2024", 5, lead="p15"
    )
    year.on("2024-08-30")
    # The swapped day off of 3/9 was missing: the new revision moves what is counted in working days.
    year.publish_calendar("r2", supersedes="r1")


def september(year: Year) -> None:
    year.on("2024-09-04")
    one_stop(year, "2024-08")
    year.on("2024-09-06")
    accept_one_stop(year, "2024-08")
    year.on("2024-09-09")
    year.report("niêm yết", "Đã niêm yết tại trụ sở và Trang thông tin điện tử")
    FollowUp(year).issue_slip("8 2024-08", number="12")
    year.on("2024-09-10")
    year.accept("niêm yết")
    year.report("8 2024-08", "01 tin, 01 bài, đăng chậm")
    year.report("6 2024-Q3", "Báo cáo CCHC quý III")
    year.report("21 2024-Q3", "Báo cáo kiểm soát TTHC quý III")
    FollowUp(year).acknowledge("p22")
    year.on("2024-09-12")
    year.accept("8 2024-08", "6 2024-Q3", "21 2024-Q3")

    year.on("2024-09-16")
    year.report("40 2024-09-20", "Báo cáo chuyển đổi số quý III")
    year.report("10 p13", "Sáng kiến hẹn giờ tiếp nhận hồ sơ nghĩa vụ quân sự", evidence="sang-kien-p13.pdf")
    year.report("10 p26", "Phiếu đề xuất còn chung chung")
    year.on("2024-09-18")
    year.accept("40 2024-09-20")
    year.accept("10 p13", exceeded="Sáng kiến đã áp dụng, rút ngắn 2 ngày xử lý")
    year.send_back("10 p26", "Chưa nêu được giải pháp, số liệu sai", due="2024-10-04", quality_failure=True)
    year.extension("10 p23", "2024-11-15", "Người chủ trì nghỉ thai sản đến 31/10", typed_by="p14")
    year.extension("10 p29", "2024-10-31", "Người chủ trì nghỉ ốm", typed_by="p14")
    year.on("2024-09-20")
    year.grant("10 p23", "Đúng chế độ")
    year.grant("10 p29", "Đúng chế độ")
    year.assign_each(VILLAGE_HEADS, "vận động", ONLINE, due="2024-11-15", field=2)

    year.on("2024-09-24")
    year.report("28 2024-09", "Đã lập phiếu theo dõi tháng 9")
    for lead in ("p17", "p20", "p21", "p25", "p27", "p30", "p31"):
        year.report(f"10 {lead}", "Phiếu đề xuất sáng kiến")
    year.report("họp trực tuyến tiếp", "Phòng họp đã nghiệm thu")
    year.on("2024-09-25")
    year.accept("28 2024-09", "10 p17", "10 p20", "10 p21", "10 p25", "10 p27", "10 p30", "họp trực tuyến tiếp")
    year.accept("10 p31", quality="not_met")

    year.on("2024-09-27")
    year.report("11 quý III", "Rà soát 18 văn bản, đề nghị bãi bỏ 2")
    year.report("5 kiểm tra", "Biên bản kiểm tra 6 bộ phận")
    year.report("30 2024-Q3", "Biên bản kiểm tra kỷ cương quý III")
    for head in VILLAGE_HEADS:
        if head not in ("p39", "p41"):
            year.report(f"9 {head} 2024-Q3", "Đã lồng ghép tại họp thôn")
    year.on("2024-09-30")
    year.accept("11 quý III", "5 kiểm tra", "30 2024-Q3")
    year.accept(*(f"9 {head} 2024-Q3" for head in VILLAGE_HEADS if head not in ("p36", "p39", "p41")))
    year.accept("9 p36 2024-Q3", exceeded="Tổ chức thêm 3 buổi hướng dẫn dịch vụ công tại nhà dân")
    # September's news were not written.


def october(year: Year) -> None:
    year.on("2024-10-02")
    year.extension("25", "2024-10-15", "Chờ ý kiến Đảng ủy")  # two days too late
    one_stop(year, "2024-09")
    year.on("2024-10-03")
    year.grant("25", "Đồng ý, ghi nhận xin gia hạn sau hạn")
    accept_one_stop(year, "2024-09")
    year.report("10 p26", "Đã bổ sung số liệu và giải pháp")
    year.on("2024-10-04")
    year.accept("10 p26")
    late = ("10 p28", "9 p39 2024-Q3", "9 p41 2024-Q3", "8 2024-09")
    FollowUp(year).urge(late, "Đã quá hạn 4 ngày làm việc, đề nghị báo cáo kết quả trước ngày 08/10.")
    year.on("2024-10-08")
    year.office(
        RecordAbsence(staff="p29", absence="p29-2024-1", kind="insured", from_=date(2024, 7, 1), to=date(2024, 10, 8))
    )
    year.report("9 p39 2024-Q3", "Họp thôn sau bão", explanation="Họp muộn do mưa lũ chia cắt")
    year.report("9 p41 2024-Q3", "Họp thôn muộn", explanation="Không sắp xếp được lịch")
    year.report("8 2024-09", "02 tin, nộp chậm")
    for staff in ("p39", "p41"):
        FollowUp(year).acknowledge(staff)
    FollowUp(year).wish_for_digests("p15")
    year.on("2024-10-10")
    year.accept("9 p39 2024-Q3", "9 p41 2024-Q3", "8 2024-09")
    year.cause("9 p39 2024-Q3", "lateness", "Mưa lũ chia cắt thôn 4 từ 25/9 đến 05/10", document="BC 58/BC-UBND")
    year.cause("10 p31", "quality", "Biểu mẫu do cấp trên cung cấp bị sai", document="CV 91/PNV")
    year.on("2024-10-14")
    year.report("25", "Báo cáo rà soát, bố trí thôn")
    year.report("33 2024-Q3", "Công khai quyết toán quý III")
    year.on("2024-10-15")
    year.accept("25", "33 2024-Q3")
    FollowUp(year).revise_policy(
        "tien-canh-2",
        "overdue-3",
        "Người phối hợp cũng phải biết việc đã quá hạn",
        audience=["lead", "collaborators", "office"],
    )
    # A result that was accepted turned out wrong, and was put right in time.
    year.reopen("9 p38 2024-Q3", "Biên bản thiếu chữ ký đại diện thôn", due="2024-10-31")

    year.on("2024-10-18")
    year.confirm_due("7", "2024-11-15", "Công văn của Sở Nội vụ ngày 17/10/2024")
    year.cancel("26", "Huyện không yêu cầu xây dựng Đề án trong năm 2024")
    year.discipline("p21", "khien_trach", act="p21-2024-1", act_date="2024-08-12", decision_date="2024-10-16")
    year.discipline("p26", "khien_trach", act="p26-2024-1", act_date="2024-09-02", decision_date="2024-10-16")
    year.on("2024-10-22")
    year.withdraw_discipline("p26", "p26-2024-1", "Ghi nhầm người")
    year.report("28 2024-10", "Đã lập phiếu theo dõi tháng 10")
    year.report("9 p38 2024-Q3", "Biên bản đủ chữ ký")
    year.report("10 p29", "Phiếu đề xuất sáng kiến")
    year.on("2024-10-24")
    year.accept("28 2024-10", "9 p38 2024-Q3", "10 p29")
    year.split("38", "kiểm tra nội bộ", "Đánh giá nội bộ hệ thống ISO 9001:2015", lead="p14", due="2024-11-15")
    year.split("38", "cập nhật", "Cập nhật quy trình ISO lên trang thông tin", lead="p27", due="2024-11-15")
    year.correct_coefficient("13", "2.5", "Khối lượng tăng theo Kế hoạch của huyện")


def november(year: Year) -> None:
    year.on("2024-11-04")
    one_stop(year, "2024-10")
    year.report("8 2024-10", "02 tin, nộp chậm 2 ngày")
    year.on("2024-11-06")
    accept_one_stop(year, "2024-10")
    year.accept("8 2024-10")
    year.extension("27", "2024-12-16", "Chờ lớp bồi dưỡng của tỉnh")
    year.on("2024-11-07")
    year.refuse("27", "Báo cáo phần đã thực hiện đúng hạn")
    year.on("2024-11-12")
    year.report("7", "Bảng điểm tự đánh giá 84,5 điểm", evidence="tu-danh-gia.pdf")
    year.report("10 p23", "Phiếu đề xuất sáng kiến")
    year.report("38 kiểm tra nội bộ", "Biên bản đánh giá nội bộ")
    year.report("38 cập nhật", "Đã cập nhật 12 quy trình")
    for head in VILLAGE_HEADS:
        year.report(f"vận động {head}", "Hộ dân trong thôn đã được hướng dẫn")
    year.on("2024-11-14")
    year.report("27", "Báo cáo đào tạo, bồi dưỡng năm 2024")
    year.accept("7", "10 p23", "38 kiểm tra nội bộ", "38 cập nhật")
    year.accept(*(f"vận động {head}" for head in VILLAGE_HEADS))
    year.on("2024-11-15")
    year.accept("27")
    year.report("13", "Xã đạt chuẩn tiếp cận pháp luật", evidence="chuan-tiep-can-phap-luat.pdf")
    year.on("2024-11-18")
    year.accept("13", exceeded="Đạt chuẩn sớm một năm so với kế hoạch")
    year.on("2024-11-22")
    year.report("28 2024-11", "Đã lập phiếu theo dõi tháng 11")
    year.on("2024-11-25")
    year.accept("28 2024-11")
    year.on("2024-11-28")
    year.report("12", "Báo cáo theo dõi thi hành pháp luật")
    year.report("23 đợt 2", "Thu 131 phiếu, tỷ lệ hài lòng 97 %")
    year.report("38", "Báo cáo duy trì hệ thống ISO")
    year.on("2024-11-29")
    year.accept("12", "23 đợt 2", "38")


def december(year: Year) -> None:
    year.on("2024-12-02")
    year.report("39", "Báo cáo an toàn thông tin")
    # Ten days before the meeting another follows p25's work: the sheet says so to whoever decides.
    year.follow("p25", "p15", "Bộ phận Một cửa theo dõi văn thư từ tháng 12")
    year.on("2024-12-03")
    one_stop(year, "2024-11")
    year.on("2024-12-04")
    year.accept("39")
    accept_one_stop(year, "2024-11")
    year.report("29", "Đã tổ chức họp đánh giá, lập biên bản")
    # One report came by post while the village head was away: the Office recorded it for the day it was written.
    year.assign("tổng kết", "Số liệu tổng kết CCHC của thôn 7", lead="p42", due="2024-12-05", origin="ad_hoc")
    year.on("2024-12-06")
    year.accept("29")
    year.report_for("tổng kết", "Biểu số liệu", on="2024-12-05", reason="Văn bản đến ngày 05/12, vào sổ chậm")
    year.end_template("19", "Chuyển sang theo dõi trên hệ thống của tỉnh từ năm 2025")
    year.on("2024-12-09")
    year.accept("tổng kết")
    what_ratings_need(YearEnd(year))
    year.on("2024-12-10")
    year.report("40 2024-12-10", "Báo cáo chuyển đổi số năm")
    # The annex is of 2024: what recurs is assigned anew by the next directive.
    for row in ("6", "8", "16", "18", "20", "21", "28", "30", "33", *(f"9 {head}" for head in VILLAGE_HEADS)):
        year.end_template(row, "Kết thúc năm công tác 2024")


def what_ratings_need(end: YearEnd) -> None:
    end.year.close()
    end.choose_settings({"min_tasks": 3}, "Giữ mức mặc định, ghi lại cho rõ")
    end.assess("tot", ("p13", "p16", "p36"))
    end.assess("dap_ung", ("p14", "p15", "p17", "p20", "p23", "p26", "p27"))
    commune = UnitFigures(
        targets=20, completed=20, on_time_quality=18, exceeded=6, units=6, units_hoan_thanh=6, units_tot=5
    )
    economy = UnitFigures(
        targets=20, completed=15, on_time_quality=14, exceeded=2, units=3, units_hoan_thanh=3, units_tot=2
    )
    # The level above decided on the commune; the Chairman on the deputy's area. p03's area is still to come.
    end.unit_result("tien-canh", commune, external=True)
    end.unit_result("mang-kinh-te", economy)


def year_end(year: Year) -> None:
    end = YearEnd(year)
    year.on("2024-12-11")
    # p22 waits for the answer to a result, and so does the proposal.
    end.propose()
    for staff in PEOPLE:
        end.assess_oneself(staff, *SELF_ASSESSED.get(staff, ("tot",)))
    for staff in VILLAGE_HEADS:
        end.assess_oneself(staff, *SELF_ASSESSED.get(staff, ("tot",)), on_paper=True)

    year.on("2024-12-12")
    # Voted on as proposed, but where the proposal leaves it to people.
    voted = {staff: level for staff, level in end.levels.items() if level in LEVELS} | LEFT_TO_PEOPLE
    end.meet(
        "2024-12-12", {staff: (level, DIVIDED.get(staff, 26)) for staff, level in voted.items()}, present=26, absent=3
    )

    year.on("2024-12-13")
    end.opinion("p01", "tot", "Nhất trí mức hoàn thành tốt nhiệm vụ")
    end.opinion("p02", "hoan_thanh", "Nhất trí với mức đề xuất; mảng kinh tế mới đạt 15 trên 20 chỉ tiêu")
    end.opinion("p03", "tot", "Nhất trí mức hoàn thành tốt, khi có kết quả của mảng văn hóa – xã hội")
    decided = [staff for staff, level in end.levels.items() if level in LEVELS and staff not in ABOVE]
    for staff in ABOVE:
        end.decide(staff, external=True, number="1187/QĐ-UBND huyện")
    for staff in decided:
        end.decide(staff, number="215/QĐ-UBND")
    # Half late is not more than half: no level fits, so the Chairman says why he decides on this one.
    end.decide(
        "p41", "hoan_thanh", reason="Một trong hai việc trễ, đã khắc phục; việc kia đúng hạn", number="215/QĐ-UBND"
    )

    year.on("2024-12-16")
    end.notify([*ABOVE, *decided, "p41"])
    end.publish()
    end.appeal(
        "p41",
        "Nhà họp thôn 6 tốc mái sau bão, nay đã có xác nhận của Ban Chỉ huy phòng chống thiên tai xã",
        contests=year.acceptance_of("9 p41 2024-Q3"),
    )
    year.on("2024-12-17")
    end.appeal(
        "p21", "Đề nghị xem lại việc áp dụng hình thức khiển trách khi xếp loại", contests=year.discipline_of("p21")
    )

    year.on("2024-12-18")
    year.cause(
        "9 p41 2024-Q3", "lateness", "Nhà họp thôn 6 tốc mái sau bão, sửa xong ngày 05/10", document="XN 12/BCH-PCTT"
    )
    year.on("2024-12-19")
    end.resolve("p41", "upheld", "Có xác nhận nguyên nhân khách quan")
    end.propose_again("p41")
    end.re_rate("p41", "Kiến nghị được chấp nhận: việc trễ do nguyên nhân khách quan", number="221/QĐ-UBND")
    end.notify(["p41"])

    year.on("2024-12-20")
    end.resolve("p21", "dismissed", "Quyết định kỷ luật còn hiệu lực; NĐ 90/2020 Đ11")
    # A decision signed before the cut-off reaches the Office after the ratings: it waits for a re-rating.
    year.discipline("p25", "khien_trach", act="p25-2024-1", act_date="2024-11-18", decision_date="2024-12-09")
    year.on("2024-12-24")
    end.publish()
    year.close()


def one_stop(year: Year, month: str) -> None:
    """The four monthly reports of the one-stop section."""
    for number in ("16", "18", "19", "20"):
        year.report(f"{number} {month}", f"Tổng hợp tháng {int(month[5:])}")


def accept_one_stop(year: Year, month: str) -> None:
    year.accept(*(f"{number} {month}" for number in ("16", "18", "19", "20")))
